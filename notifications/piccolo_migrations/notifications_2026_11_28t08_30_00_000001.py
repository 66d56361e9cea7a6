from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from notifications.tables import Message

ID = "2026-11-28T08:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "An index for what is due and one for what was left behind, in place of one for both"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def run() -> None:
        await Message.raw("CREATE INDEX message_due ON message (due_at) WHERE status = 'queued'")
        await Message.raw("CREATE INDEX message_held ON message (lease_until) WHERE status = 'sending'")
        await Message.raw("DROP INDEX message_waiting")

    manager.add_raw(run)
    return manager
