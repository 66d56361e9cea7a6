from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="hybrid",
    migrations_folder_path=Path(__file__).parent / "piccolo_migrations",
    table_classes=table_finder(["hybrid.tables"], exclude_imported=True),
    migration_dependencies=["registration.piccolo_app"],
)
