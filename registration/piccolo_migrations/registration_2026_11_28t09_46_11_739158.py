from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-28T09:46:11:739158"
VERSION = "1.38.0"
DESCRIPTION = "Where people sat before a switch"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="registration", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Registration",
        tablename="registration",
        column_name="attendance_before",
        db_column_name="attendance_before",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 16,
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": Enum(
                "Attendance", {"IN_PERSON": "in_person", "ONLINE": "online"}
            ),
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
