from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from notifications.tables import Message

ID = "2026-11-22T07:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "An index for the workers' question: what is due, or was left behind"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def run() -> None:
        await Message.raw(
            "CREATE INDEX message_waiting ON message (coalesce(lease_until, due_at))"
            " WHERE status IN ('queued', 'sending')"
        )

    manager.add_raw(run)
    return manager
