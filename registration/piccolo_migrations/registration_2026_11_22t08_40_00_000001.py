from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registration.tables import Registration

ID = "2026-11-22T08:40:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for the limits: who asked when, and the unconfirmed seats of one client"

STATEMENTS = (
    "CREATE INDEX demand_of_subject ON demand (subject, at)",
    "CREATE INDEX demand_by_age ON demand (at)",
    "CREATE INDEX registration_unconfirmed ON registration (client) WHERE status = 'pending' AND client IS NOT NULL",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="registration", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await Registration.raw(statement)

    manager.add_raw(run)
    return manager
