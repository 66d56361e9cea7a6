from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from events.tables import Event

ID = "2026-11-22T06:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for the questions that are asked"

STATEMENTS = (
    "CREATE INDEX membership_of_event ON membership (event)",
    "CREATE INDEX activity_of_event ON activity (event, at)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="events", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Event.raw(statement)

    manager.add_raw(run)
    return manager
