from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from hybrid.tables import Source

ID = "2026-11-28T12:17:05:000001"
VERSION = "1.38.0"
DESCRIPTION = "Why a source could not be read stands once: brought over"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="hybrid", description=DESCRIPTION)

    async def run() -> None:
        await Source.raw(
            "UPDATE source SET failure_code = source_fetch.failure_code,"
            " failure_detail = source_fetch.failure_detail"
            " FROM source_fetch WHERE source_fetch.indicator = source.indicator AND source.failure IS NOT NULL"
        )

    manager.add_raw(run)

    manager.drop_column(
        table_class_name="Source",
        tablename="source",
        column_name="failure",
        db_column_name="failure",
        schema=None,
    )

    manager.drop_column(
        table_class_name="Fetch",
        tablename="source_fetch",
        column_name="failure_code",
        db_column_name="failure_code",
        schema=None,
    )

    manager.drop_column(
        table_class_name="Fetch",
        tablename="source_fetch",
        column_name="failure_detail",
        db_column_name="failure_detail",
        schema=None,
    )

    return manager
