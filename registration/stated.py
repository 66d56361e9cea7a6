"""What a message states, as its templates know it: days and times as such, and what old messages do not state."""

from datetime import date, datetime
from typing import Any

from events.rules import Mode

Facts = dict[str, Any]


def event_stated(stated: Facts) -> Facts:
    """The event with its places in a line each, and a contact of whom not all need be known."""
    event = local_times(stated)
    contact = event.get("contact")
    return {
        **event,
        "venues": [{**venue, "line": _line(venue)} for venue in event["venues"]],
        "sessions": [local_times(session) for session in event["sessions"]],
        "contact": {"role": None, "name": None, "email": None, "phone": None, **contact} if contact else None,
    }


def plan_stated(event: Facts) -> Facts | None:
    """When the event would move, with days and times as such; messages of before plans were stated have none.

    Where it has moved, the rules that are on say when it comes back, as on its page. Of one that somebody has moved
    online by hand nothing is said.
    """
    stated = event.get("plan")
    if not stated:
        return None
    rules = [local_times(rule) for rule in stated["rules"]]
    for rule in rules:
        if rule["last"]:
            rule["last"] = {**rule["last"], "report_on": date.fromisoformat(rule["last"]["report_on"])}
    back = [rule for rule in rules if rule["is_on"]] if stated["is_moved"] else []
    if event["mode"] == Mode.DIGITAL and not back:
        return None
    return {**stated, "rules": back or rules, "is_back": bool(back)}


def why_stated(stated: Facts | None) -> Facts | None:
    """Why an event has moved, with the day of a rule's reading as a date."""
    evidence = (stated or {}).get("evidence")
    if not stated or not evidence:
        return stated
    reading = {**evidence["reading"], "row_on": date.fromisoformat(evidence["reading"]["row_on"])}
    return {**stated, "evidence": {**evidence, "reading": reading}}


def local_times(facts: Facts) -> Facts:
    """The same with local times for ISO texts, one level further down too."""
    return {
        name: datetime.fromisoformat(value)
        if name.endswith("_local") and value is not None
        else local_times(value)
        if isinstance(value, dict)
        else value
        for name, value in facts.items()
    }


def _line(venue: Facts) -> str:
    town = " ".join(filter(None, (venue["postal_code"], venue["locality"])))
    return ", ".join(filter(None, (venue["name"], venue["room"], venue["street"], town)))
