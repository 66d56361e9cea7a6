"""What keeps the application from running. Each text is one line for the operator and holds no secret."""


class CannotRun(Exception):
    pass


class SettingsInvalid(CannotRun):
    """A setting cannot be used; the text begins with its name."""


class EmbeddedRefused(CannotRun):
    """The embedded database cannot run here; the text begins with `DIALOGRAUM_DATA_DIR`."""


class DatabaseAway(CannotRun):
    """The database does not answer, refuses us, or has no connection free."""


class PortTaken(CannotRun):
    """Nobody can listen at this port."""
