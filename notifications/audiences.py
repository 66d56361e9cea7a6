"""Mails for several audiences: each kind of message goes to the composer that knows whom it is for."""

from collections.abc import Mapping, Sequence

from notifications.delivery import Letter
from notifications.outbox import Claim
from notifications.worker import Compose, Write


class Audiences:
    """One composer made of several: `by_kind` for the kinds named there, `otherwise` for all others."""

    def __init__(self, otherwise: Compose, by_kind: Mapping[str, Compose]) -> None:
        self._otherwise, self._by_kind = otherwise, by_kind

    async def compose(self, messages: Sequence[Claim]) -> Write:
        """Lets each composer look up what its own messages need; what it answers writes each with its own."""
        parts: dict[Compose, list[Claim]] = {}
        for message in messages:
            parts.setdefault(self._of(message), []).append(message)
        writes = {compose: await compose(part) for compose, part in parts.items()}

        def write(message: Claim) -> Letter:
            return writes[self._of(message)](message)

        return write

    def _of(self, message: Claim) -> Compose:
        return self._by_kind.get(message.kind, self._otherwise)
