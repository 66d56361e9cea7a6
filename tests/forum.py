"""A small event as other systems write it, in the coming weeks."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dialograum.event_file import merge_patch


def forum(**changes: Any) -> dict[str, Any]:
    """An event file as JSON; `changes` are merged into it, and `None` takes a key away."""
    day = datetime.now(UTC).date() + timedelta(days=30)
    event = {
        "slug": "forum",
        "timezone": "Europe/Berlin",
        "default_language": "de",
        "status": "published",
        "starts_at": f"{day}T16:00:00",
        "ends_at": f"{day}T19:00:00",
        "title": {"de": "Gemeinsam leben: Forum", "en": "Living together: forum"},
        "summary": {"de": "Wir reden miteinander."},
        "description": {"de": "## Worum es geht\n\nUm **alles**."},
        "registration": {"closes_at": f"{day - timedelta(days=3)}T18:00:00", "capacity": 10},
        "venue": {"name": "Stadthalle", "locality": "Gütersloh"},
        "sessions": [
            {
                "key": "groups",
                "kind": "groups",
                "starts_at": f"{day}T16:30:00",
                "ends_at": f"{day}T18:00:00",
                "title": {"de": "Arbeitsgruppen", "en": "Working groups"},
            }
        ],
        "groups": [
            {"key": "wohnen", "session": "groups", "capacity": 2, "title": {"de": "Wohnen", "en": "Housing"}},
            {"key": "bildung", "session": "groups", "capacity": 2, "title": {"de": "Bildung"}},
        ],
    }
    return merge_patch(event, changes)  # type: ignore[no-any-return]
