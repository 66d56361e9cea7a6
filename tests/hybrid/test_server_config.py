"""What a server says of itself, in the spellings that are about, and what is no such thing."""

import pytest

from hybrid.server_config import DialIn, PhoneNumber, ServerConfig, read_config, read_numbers, read_pin

DEBIAN = """/* eslint-disable no-unused-vars, no-var */
var subdir = '<!--# echo var="subdir" default="" -->';
var subdomain = '';
var config = {
    // Connection
    hosts: {
        // XMPP domain.
        domain: 'meet.example.org',
        // anonymousdomain: 'guest.example.org',
        muc: 'conference.' + subdomain + 'meet.example.org',
    },
    bosh: 'https://meet.example.org/' + subdir + 'http-bind',
    // dialInNumbersUrl: 'https://commented.example.org',
    dialInNumbersUrl: 'https://phone.example.org/numbers?a=b',
    dialInConfCodeUrl: "https://phone.example.org/code",
};
"""
DOCKER = """// Jitsi Meet configuration.
var config = {};
config.hosts = {};
config.hosts.domain = 'meet.jitsi';
var subdomain = '<!--# echo var="subdomain" default="" -->';
config.hosts.muc = 'muc.' + subdomain + 'meet.jitsi';
config.bosh = 'https://meet.example.org/' + subdir + 'http-bind';
"""


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (
            DEBIAN,
            ServerConfig(
                "meet.example.org",
                "conference.meet.example.org",
                "https://phone.example.org/numbers?a=b",
                "https://phone.example.org/code",
            ),
        ),
        (DOCKER, ServerConfig("meet.jitsi", "muc.meet.jitsi")),
        (
            "\ufeffvar config={hosts:{domain:'a.example',muc:'muc.a.example'}}",
            ServerConfig("a.example", "muc.a.example"),
        ),
        ("var config = {}", ServerConfig("host", "conference.host")),
        ("var config = {hosts: {domain: location.hostname}}", ServerConfig("host", "conference.host")),
        ("<!DOCTYPE html><script>var config = {}</script>", None),
        ("  \n<html>config = 1", None),
        ("", None),
        ("hello", None),
        ("config", None),
        ('{"version": "config"}', None),
    ],
)
def test_a_configuration_is_read(text, config):
    assert read_config(text, "host") == config


def test_a_long_text_takes_no_long_time():
    text = "var config = " + "domain: " + "a + " * 200_000
    assert read_config(text, "host") == ServerConfig("host", "conference.host")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            '[{"countryCode": "de", "tollFree": false, "formattedNumber": "+49 5241 000000"}, {}, 5]',
            (PhoneNumber("DE", "+49 5241 000000"),),
        ),
        (
            '{"message": "x", "numbers": {"DE": ["+495241000000", "+495241000000"], "US": ["+1.512-555-0100"]}}',
            (PhoneNumber("DE", "+495241000000"), PhoneNumber("US", "+1.512-555-0100")),
        ),
        ('{"numbers": {"DE": ["+495241000000"]}, "numbersEnabled": false}', ()),
        ('{"numbers": {"DE": "+495241000000", "<b>": ["0049 5241 1"]}}', (PhoneNumber("", "0049 5241 1"),)),
        ('[{"formattedNumber": "javascript:alert(1)"}]', ()),
        ("<html>", ()),
        ("null", ()),
        ("[" * 100_000, ()),
        ("", ()),
    ],
)
def test_numbers_are_read_in_both_shapes(text, numbers):
    assert read_numbers(text) == numbers


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ('{"id": 482913075, "conference": "x"}', "482913075"),
        ('{"id": "0482913075"}', "0482913075"),
        ('{"id": null}', None),
        ('{"id": true}', None),
        ('{"id": -1}', None),
        ('{"id": "12a"}', None),
        ('{"message": "no"}', None),
        ("[1]", None),
        ("<html>", None),
    ],
)
def test_a_pin_is_read(text, pin):
    assert read_pin(text) == pin


def test_a_pin_is_read_out_in_threes():
    assert DialIn((), "48291307").pin_in_groups == "482 913 07"


def test_the_numbers_of_the_country_come_alone_where_there_are_any():
    here, there = PhoneNumber("DE", "1"), PhoneNumber("US", "2")
    found = DialIn((there, here), "1")
    assert found.numbers_for("DE") == (here,)
    assert found.numbers_for("FR") == (there, here)
