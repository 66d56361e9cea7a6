from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Consent

ID = "2026-11-22T08:41:35:000001"
VERSION = "1.38.0"
DESCRIPTION = "One standing consent per registration and key"

STATEMENTS = (
    "CREATE UNIQUE INDEX one_standing_consent ON consent (registration, key) WHERE withdrawn_at IS NULL",
    "CREATE INDEX consent_of_registration ON consent (registration)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Consent.raw(statement)

    manager.add_raw(run)
    return manager
