"""Where a request comes from."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

NOBODY = "0.0.0.0"  # noqa: S104, an address that nobody has
Networks = Sequence[IPv4Network | IPv6Network]


def client_of(scope: Any, trusted: Networks) -> str:
    """The address of the client: the peer, unless it is a trusted proxy.

    Then `X-Forwarded-For` is read from its end, as far as addresses are trusted; the first that is not is the
    client. Malformed entries end the reading.
    """
    client = scope.get("client")
    address = _parsed(client[0] if client else "")
    if address is None:
        return NOBODY
    forwarded = ",".join(
        value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"
    )
    for entry in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_trusted(address, trusted):
            break
        before = _parsed(entry)
        if before is None:
            break
        address = before
    return str(address)


def _is_trusted(address: Any, trusted: Networks) -> bool:
    return any(address in network for network in trusted if network.version == address.version)


def _parsed(text: str) -> Any:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
