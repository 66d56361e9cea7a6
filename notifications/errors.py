"""What can be wrong with a message."""


class CannotCompose(Exception):
    """A message can never become a mail. The text says why, in a few words without an address."""
