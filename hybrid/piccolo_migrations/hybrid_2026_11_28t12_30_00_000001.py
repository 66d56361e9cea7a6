from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Boolean
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-28T12:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "the hall's seats in the log of switches"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="hybrid", description=DESCRIPTION)

    manager.add_column(
        table_class_name="ModeSwitch",
        tablename="mode_switch",
        column_name="resized",
        db_column_name="resized",
        column_class_name="Boolean",
        column_class=Boolean,
        params={
            "default": False,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
