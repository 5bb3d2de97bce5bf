"""ZooKeeper's configuration, and what its recorded replies to `srvr` say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.nemesis.view import ClusterView, NodeView
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place, bounds, statuses_after
from harness.systems.zookeeper import ZooKeeper
from harness.systems.zookeeper.system import configuration, read_status

MEMBERS = {
    f"n{n}": {"client": f"10.0.0.{n}:2181", "quorum": f"10.0.0.{n}:2888", "election": f"10.0.0.{n}:3888"}
    for n in (1, 2, 3)
}
PLACE = Place(
    name="n2",
    host="10.0.0.2",
    ports={"client": 2181, "quorum": 2888, "election": 3888},
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)
SRVR = b"""Zookeeper version: 3.8.0--1, built on 2023-10-10 11:22 UTC
Latency min/avg/max: 0/0.0/0
Received: 6
Sent: 6
Connections: 1
Outstanding: 0
Zxid: 0x30000002a
Mode: follower
Node count: 5
"""


def test_the_configuration_names_all_members_by_their_addresses() -> None:
    lines = configuration(ZooKeeper(), PLACE).splitlines()
    assert "dataDir=/run/n2/data" in lines
    assert "clientPortAddress=10.0.0.2" in lines
    assert [line for line in lines if line.startswith("server.")] == [
        f"server.{n}=10.0.0.{n}:2888:3888" for n in (1, 2, 3)
    ]


def test_the_epoch_in_the_last_zxid_is_the_term() -> None:
    zxid = 0x30000002A
    assert read_status(SRVR, "n2") == NodeStatus("follower", 3, None, zxid, zxid)
    leader = read_status(SRVR.replace(b"follower", b"leader"), "n2")
    assert leader == NodeStatus("leader", 3, "n2", zxid, zxid)


def test_a_node_that_looks_for_a_leader_says_that_it_does_not_serve() -> None:
    answer = b"This ZooKeeper instance is not currently serving requests\n"
    assert read_status(answer, "n1") == NodeStatus("looking", 0)


@pytest.mark.parametrize(
    "damaged", [b"", b"srvr is not executed because it is not in the whitelist.\n", SRVR[:60]]
)
def test_an_answer_that_is_no_status_gives_none(damaged: bytes) -> None:
    assert read_status(damaged, "n1") is None


@pytest.mark.parametrize(
    ("roles", "leader"),
    [
        (("leader", "follower", "follower"), "n1"),
        (("looking", "leader", "follower"), "n2"),
        (("looking", "leader", "looking"), None),
        (("leader", "leader", "follower"), None),
        (("follower", "follower", "looking"), None),
    ],
)
def test_the_cluster_is_ready_with_one_leader_and_a_majority(
    roles: tuple[str, ...], leader: str | None
) -> None:
    view = ClusterView({f"n{n}": NodeView(True, role=role) for n, role in enumerate(roles, 1)})
    assert ZooKeeper().leader(view) == leader


def test_faults_last_longer_than_a_follower_waits_for_its_leader() -> None:
    system = ZooKeeper(tick_ms=1000, sync_ticks=5)
    assert bounds(system).fault_s[0] > 5.0


def test_it_is_made_from_the_options_of_a_test() -> None:
    made = system_of("zookeeper@3.8", {"system_options": {"reads": "plain", "session-s": "2"}})
    assert made == ZooKeeper("3.8", reads="plain", session_s=2.0)
    assert made.name == "ZooKeeper, reads=plain"


def test_it_may_end_by_itself_only_if_its_disk_fails_or_its_files_are_damaged() -> None:
    assert statuses_after(ZooKeeper(), "corrupt") == statuses_after(ZooKeeper(), "disk") != ()
    assert statuses_after(ZooKeeper(), "descriptors") == statuses_after(ZooKeeper(), "memory") == ()
