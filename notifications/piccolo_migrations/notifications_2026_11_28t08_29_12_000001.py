from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from notifications.tables import Message

ID = "2026-11-28T08:29:12:000001"
VERSION = "1.38.0"
DESCRIPTION = "An index for what became of a batch"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def run() -> None:
        await Message.raw(
            "CREATE INDEX message_of_batch ON message (batch, status) WHERE batch IS NOT NULL"
        )

    manager.add_raw(run)
    return manager
