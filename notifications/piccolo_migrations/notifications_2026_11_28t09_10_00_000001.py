from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from notifications.tables import Message

ID = "2026-11-28T09:10:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "What is due of a batch has an index of its own, as it waits for what is not"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def run() -> None:
        await Message.raw(
            "CREATE INDEX message_due_alone ON message (due_at) WHERE status = 'queued' AND batch IS NULL"
        )
        await Message.raw(
            "CREATE INDEX message_due_of_batch ON message (due_at)"
            " WHERE status = 'queued' AND batch IS NOT NULL"
        )
        await Message.raw("DROP INDEX message_due")

    manager.add_raw(run)
    return manager
