from __future__ import annotations

import socket

import pytest

from harness.cluster.ports import HIGHEST, LOOPBACK, LOWEST, free_ports
from harness.errors import CouldNotRun


def test_ports_lie_below_those_of_outgoing_connections_and_can_be_listened_on() -> None:
    ports = free_ports(10)
    assert len(set(ports)) == 10
    assert all(LOWEST <= port < HIGHEST for port in ports)
    for port in ports:
        socket.create_server((LOOPBACK, port)).close()


def test_a_port_in_use_is_named() -> None:
    (base,) = free_ports(1)
    assert free_ports(1, base) == [base]
    with socket.create_server((LOOPBACK, base)), pytest.raises(CouldNotRun, match=f"port {base} is in use"):
        free_ports(2, base - 1)


def test_a_port_in_use_is_passed_over_where_none_was_asked_for() -> None:
    (taken,) = free_ports(1)
    with socket.create_server((LOOPBACK, taken)):
        assert taken not in free_ports(HIGHEST - LOWEST - 2000)


def test_ports_beyond_the_last_are_refused() -> None:
    with pytest.raises(CouldNotRun, match="port 65536 does not exist"):
        free_ports(4, 65534)
