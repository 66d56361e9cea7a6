"""Where a request comes from."""

import pytest

from dialograum.settings import Settings
from dialograum.visitors import client_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("203.0.113.7", "", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "10.0.0.0/8", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", " , ", "10.0.0.0/8", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::7", "10.0.0.0/8", "2001:db8::7"),
        ("fd00::1", "[2001:db8::7]", "fd00::/8", "2001:db8::7"),
        ("unix", "198.51.100.1", "10.0.0.0/8", "0.0.0.0"),
    ],
)
def test_only_named_proxies_say_who_calls(peer, forwarded, trusted, client):
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    networks = Settings(trusted_proxies=trusted).trusted_proxies
    assert client_of(scope, networks) == client


def test_several_headers_count_as_one():
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"198.51.100.2")]
    networks = Settings(trusted_proxies="10.0.0.0/8").trusted_proxies
    assert client_of({"client": ("10.0.0.1", 1), "headers": headers}, networks) == "198.51.100.2"
