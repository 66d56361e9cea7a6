"""The dialogue event of Gütersloh as plain values."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from events.details import EventDetails, GroupDetails, SessionDetails, SlotDetails, VenueDetails
from events.rules import EventStatus, Mode, instant

ZONE = "Europe/Berlin"

HALL = VenueDetails(
    key="hall",
    name="Stadthalle Gütersloh",
    room="Großer Saal",
    street="Friedrichstraße 10",
    postal_code="33330",
    locality="Gütersloh",
    country="DE",
)


def session(
    key: str, kind: str, start: str, end: str, optional: bool = False, **title: str
) -> SessionDetails:
    starts, ends = (datetime.fromisoformat(f"2022-11-18T{at}") for at in (start, end))
    return SessionDetails(
        key=key,
        kind=kind,
        title=title,
        starts_local=starts,
        ends_local=ends,
        starts_at=instant(starts, ZONE),
        ends_at=instant(ends, ZONE),
        optional=optional,
    )


def dialogue(**changes: Any) -> EventDetails:
    """Friday, 18 November 2022, 16:00 to 19:00, in the hall; 120 seats, 73 of them taken."""
    event = EventDetails(
        id=1,
        slug="gemeinsam-leben-2022",
        short="integration",
        uid="event-0b8f4a2e",
        kind="dialogue",
        status=EventStatus.PUBLISHED,
        default_language="de",
        timezone=ZONE,
        starts_local=datetime(2022, 11, 18, 16),
        ends_local=datetime(2022, 11, 18, 19),
        opens_local=datetime(2022, 10, 17, 9),
        closes_local=datetime(2022, 11, 13, 23, 59, 59),
        starts_at=datetime(2022, 11, 18, 15, tzinfo=UTC),
        ends_at=datetime(2022, 11, 18, 18, tzinfo=UTC),
        opens_at=datetime(2022, 10, 17, 7, tzinfo=UTC),
        closes_at=datetime(2022, 11, 13, 22, 59, 59, tzinfo=UTC),
        title={
            "de": "Gemeinsam leben in Gütersloh: Dialogveranstaltung zum Integrationskonzept",
            "en": "Living together in Gütersloh: dialogue event on the integration concept",
        },
        summary={"de": "In sieben Handlungsfeldern vertiefen wir die Schwerpunkte. Alle sind willkommen."},
        description=None,
        contact={
            "role": {"de": "Integrationsbeauftragte der Stadt", "en": "City commissioner for integration"},
            "email": "integration@example.org",
            "phone": "+49 5241 000000",
        },
        mode=Mode.IN_PERSON,
        base_mode=Mode.IN_PERSON,
        capacity=120,
        digital_capacity=300,
        hybrid_capacity=None,
        in_person_limit=120,
        online_limit=0,
        in_person_taken=73,
        online_taken=0,
        in_person_waiting=0,
        online_waiting=0,
        waitlist=True,
        confirm_email=True,
        hold_hours=24,
        allocation="first_come",
        retention_days=30,
        sequence=0,
        version=1,
        changed_at=datetime(2022, 10, 10, 12, 30, 15, 987654, tzinfo=UTC),
        venues=(HALL,),
        sessions=(
            session("welcome", "plenary", "16:00", "16:15", de="Begrüßung", en="Welcome"),
            session("groups", "groups", "16:45", "18:30", de="Arbeitsgruppen", en="Working groups"),
            session("closing", "plenary", "18:30", "19:00", de="Ergebnisse und Ausblick"),
            session("dinner", "break", "18:45", "19:00", optional=True, de="Abendessen"),
        ),
        groups=(
            GroupDetails(
                key="wohnen",
                title={"de": "Wohnen", "en": "Housing"},
                capacity=20,
                digital_capacity=None,
                slots=(SlotDetails(session="groups", limit=20, taken=11),),
            ),
        ),
    )
    return replace(event, **changes)


def online(**changes: Any) -> EventDetails:
    """The same event after it moved online."""
    return dialogue(
        **{
            "mode": Mode.DIGITAL,
            "in_person_limit": 0,
            "online_limit": 300,
            "in_person_taken": 0,
            "online_taken": 73,
            "sequence": 1,
            "version": 2,
            **changes,
        }
    )
