"""Ports of this machine: free ones are found, taken ones told from addresses of other machines."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.ports import LOOPBACK, free_ports, is_free, listens, why_not_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_as_many_different_free_ports_are_found_as_are_asked_for() -> None:
    ports = free_ports(60)
    assert len(set(ports)) == 60
    assert all(is_free(port) for port in ports)


def test_none_of_them_is_given_to_a_connection_meanwhile() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < lowest or lowest <= 10_240 for port in free_ports(20))


def test_two_who_choose_at_the_same_moment_rarely_choose_the_same() -> None:
    assert free_ports(5) != free_ports(5)


def test_a_taken_port_is_not_free(taken: int) -> None:
    assert not is_free(taken)
    assert why_not_free(taken, LOOPBACK) == errno.EADDRINUSE
    assert listens(LOOPBACK, taken)


def test_a_port_is_free_again_when_its_server_has_ended(taken: int) -> None:
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        port = server.getsockname()[1]
        accepted.close()  # first, so that this side lingers
        assert client.recv(1) == b""
    assert is_free(port)
    assert not listens(LOOPBACK, port)
    assert port != taken


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_not_called_taken(host: str) -> None:
    assert why_not_free(free_ports(1)[0], host) == errno.EADDRNOTAVAIL
