from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Registration

ID = "2026-11-28T08:29:15:000001"
VERSION = "1.38.0"
DESCRIPTION = "Every registration gets a nonce for unsubscribing from the database itself"

NONCE = "left(replace(gen_random_uuid()::text, '-', ''), 16)"
STATEMENTS = (
    f"ALTER TABLE registration ALTER COLUMN unsubscribe_nonce SET DEFAULT {NONCE}",
    f"UPDATE registration SET unsubscribe_nonce = CASE WHEN own_nonce = '' THEN '' ELSE {NONCE} END",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Registration.raw(statement)

    manager.add_raw(run)
    return manager
