from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from hybrid.tables import MeetingRoom

ID = "2026-11-28T08:28:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "One plenary room per event"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="hybrid", description=DESCRIPTION)

    async def run() -> None:
        await MeetingRoom.raw('CREATE UNIQUE INDEX one_plenary_room ON meeting_room (event) WHERE "group" IS NULL')
        await MeetingRoom.raw("CREATE INDEX meeting_room_of_event ON meeting_room (event)")

    manager.add_raw(run)
    return manager
