"""Ports of a data folder: free ones, and the same ones again."""

import socket
from pathlib import Path

from countermark.cli.up.ports import kept_ports
from countermark.network.ports import LOOPBACK, free_ports, is_free


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8
    assert all(is_free(port) for port in ports)


def test_no_connection_of_somebody_else_is_given_a_port_that_was_found_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert max(free_ports(8)) < min(server.getsockname()[1], client.getsockname()[1])


def test_a_port_on_which_somebody_listens_is_not_free() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_a_second_start_keeps_the_ports_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = kept_ports(path, ("gateway", "peer"))
    assert kept_ports(path, ("gateway", "peer")) == first


def test_a_port_that_was_taken_meanwhile_is_replaced_alone(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = kept_ports(path, ("gateway", "peer"))
    with socket.socket() as server:
        server.bind((LOOPBACK, first["gateway"]))
        server.listen()
        second = kept_ports(path, ("gateway", "peer"))
    assert second["peer"] == first["peer"]
    assert second["gateway"] != first["gateway"]
