"""Why the application cannot run. The text of each is one line without secrets, for whoever operates it."""


class CannotRun(Exception):
    """The start, or the work, cannot go on; the text says why."""


class SettingsInvalid(CannotRun):
    """A setting cannot be used; the text begins with its name."""


class PortTaken(CannotRun):
    """The address to listen on is taken or not ours."""


class EmbeddedRefused(CannotRun):
    """The embedded PostgreSQL cannot run in `DATA_DIR`."""


class DatabaseAway(CannotRun):
    """The database does not answer, refuses us, or has no connection free."""
