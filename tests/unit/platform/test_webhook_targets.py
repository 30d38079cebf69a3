"""Where nothing is delivered to: addresses within, and URLs that two programs may read differently."""

from ipaddress import ip_network

import pytest

from countermark.platform.webhooks import schedule
from countermark.platform.webhooks.addresses import AddressPolicy
from countermark.platform.webhooks.targets import LONGEST_URL, Target
from countermark.protocol.errors import ErrorCode
from tests.support.market import refused

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.255.255", "172.32.0.0", "2606:4700:4700::1111", "2a00::1"]

WITHIN = {
    "this host": "0.0.0.0",  # noqa: S104  # refused, not bound to
    "private, 10/8": "10.0.0.1",
    "carrier-grade NAT": "100.64.0.1",
    "a cloud's metadata in carrier-grade NAT": "100.100.100.200",
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "link-local, a cloud's metadata": "169.254.169.254",
    "private, 172.16/12": "172.31.255.255",
    "protocol assignments": "192.0.0.8",
    "documentation": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "private, 192.168/16": "192.168.1.1",
    "benchmarks": "198.18.0.1",
    "documentation, second": "198.51.100.1",
    "documentation, third": "203.0.113.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "Azure's host": "168.63.129.16",
    "unspecified": "::",
    "loopback, IPv6": "::1",
    "IPv4-compatible": "::7f00:1",
    "IPv4-mapped loopback": "::ffff:127.0.0.1",
    "IPv4-mapped public": "::ffff:8.8.8.8",
    "IPv4-translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64 of a public address": "64:ff9b::808:808",
    "local NAT64": "64:ff9b:1::7f00:1",
    "discard": "100::1",
    "Teredo": "2001::1",
    "ORCHID": "2001:20::1",
    "documentation, IPv6": "2001:db8::1",
    "6to4": "2002:7f00:1::1",
    "documentation, IPv6, second": "3fff::1",
    "segment routing": "5f00::1",
    "unique local, a cloud's metadata": "fd00:ec2::254",
    "link-local, IPv6": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "public with a zone": "2a00::1%eth0",
    "site-local": "fec0::1",
    "multicast, IPv6": "ff02::1",
    "no address": "localhost",
    "nothing": "",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_permitted_on_https_ports_alone(address: str) -> None:
    policy = AddressPolicy()
    ports = (22, 25, 80, 443, 5432, 6379, 8443, 9200)
    assert [port for port in ports if policy.permits(address, port)] == [443, 8443]


@pytest.mark.parametrize("address", WITHIN.values(), ids=WITHIN)
def test_address_within_is_refused(address: str) -> None:
    assert not AddressPolicy().permits(address, 443)


def test_only_the_networks_that_the_operator_names_are_permitted_besides() -> None:
    policy = AddressPolicy([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    assert policy.permits("10.1.2.3", 9000)
    assert policy.permits("fd00::1", 443)
    assert policy.permits("1.1.1.1", 443)
    for address in ("10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"):
        assert not policy.permits(address, 443), address
    assert not policy.permits("1.1.1.1", 9000)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("HTTPS://Example.COM:443/A?b=C", "example.com", "/A?b=C"),
        ("https://example.com?x", "example.com", "/?x"),
        ("https://a-b.example.com:8443/a/b;c=%20?d=e&f=@", "a-b.example.com:8443", "/a/b;c=%20?d=e&f=@"),
        ("https://192.0.2.1/", "192.0.2.1", "/"),
        ("https://[2001:DB8::0:1]:8443/", "[2001:db8::1]:8443", "/"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example", "/"),
        ("https://3com.example/", "3com.example", "/"),
    ],
)
def test_url_is_read_in_one_way(url: str, authority: str, path: str) -> None:
    target = Target.parse(url)
    assert (target.authority, target.path) == (authority, path)
    assert Target.parse(target.url) == target


UNREADABLE = {
    "not HTTPS": "http://example.com/",
    "another scheme": "file:///etc/passwd",
    "no scheme": "//example.com/",
    "a user": "https://user@example.com/",
    "a user that looks like a host": "https://example.com:443@10.0.0.1/",
    "a backslash": "https://example.com\\@10.0.0.1/",
    "a fragment": "https://example.com/#part",
    "a space": "https://example.com/a b",
    "a line end": "https://example.com/\r\nX-Injected: 1",
    "a tab in the host": "https://exam\tple.com/",
    "a NUL": "https://example.com/\0",
    "letters of no URL": "https://münchen.example/",
    "digits of another script": "https://example.com:４４３/",
    "a full-width dot": "https://127。0。0。1/",
    "a half escape": "https://example.com/%2",
    "an escape of nothing": "https://example.com/%zz",
    "an escaped host": "https://%65xample.com/",
    "port 0": "https://example.com:0/",
    "port 65536": "https://example.com:65536/",
    "a port that is none": "https://example.com:https/",
    "no host": "https:///path",
    "an empty label": "https://example..com/",
    "a dot at the end": "https://localhost./",
    "a label with a dash at its end": "https://a-.example/",
    "a label that is too long": f"https://{'a' * 64}.example/",
    "a host that is too long": f"https://{'a.' * 127}example/",
    "an address as a number": "https://2130706433/",
    "an address in hexadecimal": "https://0x7f000001/",
    "an address in octal": "https://0177.0.0.1/",
    "a short address": "https://127.1/",
    "an address with a part too many": "https://1.2.3.4.5/",
    "no IPv6 address": "https://[::1::]/",
    "a zone": "https://[fe80::1%25eth0]/",
    "an IPv4 address in brackets, mapped badly": "https://[::ffff:256.0.0.1]/",
    "longer than may be": "https://example.com/" + "a" * LONGEST_URL,
    "nothing": "",
}


@pytest.mark.parametrize("url", UNREADABLE.values(), ids=UNREADABLE)
def test_url_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        Target.parse(url)


def test_failed_deliveries_are_tried_ever_more_rarely_and_for_about_a_day() -> None:
    rests = [schedule.rest_ms(failures) for failures in range(1, schedule.MOST_FAILURES)]
    assert rests[:4] == [5_000, 10_000, 20_000, 40_000]
    assert rests == sorted(rests)
    assert max(rests) == schedule.LONGEST_REST_MS == schedule.rest_ms(10**6)
    assert 20 * 3_600_000 < sum(rests) < 28 * 3_600_000
