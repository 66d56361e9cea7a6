from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from notifications.tables import Message

ID = "2026-11-22T08:40:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "An index to find who still needs shared facts"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def run() -> None:
        await Message.raw("CREATE INDEX message_shared ON message (shared)")

    manager.add_raw(run)
    return manager
