from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Registration

ID = "2026-11-28T10:20:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Everybody of an event can move at once without a new entry in every index"

# A row that changes is written anew into its own page if there is room and no index holds what changes; else every
# index gets a new entry. A switch changes each registration's attendance, and then what it was told last.
STATEMENTS = (
    "ALTER TABLE registration SET (fillfactor = 50)",
    "DROP INDEX registration_waitlist",
    "CREATE INDEX registration_waitlist ON registration (event, arrival) WHERE status = 'waitlisted'",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Registration.raw(statement)

    manager.add_raw(run)
    return manager
