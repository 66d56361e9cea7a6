from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Registration

ID = "2026-11-22T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "One active registration per event and address; indexes for the questions that are asked"

STATEMENTS = (
    "CREATE UNIQUE INDEX one_active_registration ON registration (event, address)"
    " WHERE status IN ('pending', 'confirmed', 'waitlisted')",
    "CREATE INDEX registration_in_order ON registration (event, arrival)",
    "CREATE INDEX registration_waitlist ON registration (event, attendance, arrival) WHERE status = 'waitlisted'",
    "CREATE INDEX registration_holds ON registration (held_until) WHERE status = 'pending'",
    "CREATE INDEX group_seat_of_slot ON group_seat (slot)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Registration.raw(statement)

    manager.add_raw(run)
    return manager
