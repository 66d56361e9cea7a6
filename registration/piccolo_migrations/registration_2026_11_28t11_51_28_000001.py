from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Registration

ID = "2026-11-28T11:51:28:000001"
VERSION = "1.38.0"
DESCRIPTION = "The last calendar REQUEST stands beside the registration: brought over"

# Half of each page stays free, so that a row which changes is written anew into its own.
STATEMENTS = (
    "ALTER TABLE invitation SET (fillfactor = 50)",
    "INSERT INTO invitation (registration, sequence)"
    " SELECT registration.id, coalesce(invited_sequence, event.sequence + registration.sequence)"
    " FROM registration JOIN event ON event.id = registration.event WHERE invited_at IS NOT NULL",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Registration.raw(statement)

    manager.add_raw(run)

    manager.drop_column(
        table_class_name="Registration",
        tablename="registration",
        column_name="invited_at",
        db_column_name="invited_at",
        schema=None,
    )

    manager.drop_column(
        table_class_name="Registration",
        tablename="registration",
        column_name="invited_sequence",
        db_column_name="invited_sequence",
        schema=None,
    )

    return manager
