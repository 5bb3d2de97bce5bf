"""etcd's command line, and what its replies to questions about its status say (recorded ones)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place, bounds, statuses_after
from harness.systems.etcd import Etcd
from harness.systems.etcd.system import read_status

MEMBERS = {f"n{n}": {"client": f"10.0.0.{n}:2379", "peer": f"10.0.0.{n}:2380"} for n in (1, 2, 3)}
PLACE = Place(
    name="n2",
    host="10.0.0.2",
    ports={"client": 2379, "peer": 2380},
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)
STATUS = (
    b'{"header":{"cluster_id":"1","member_id":"3319814642761637952","revision":"1","raft_term":"2"},'
    b'"version":"3.4.23","dbSize":"20480","leader":"3319814642761637952","raftIndex":"4","raftTerm":"2",'
    b'"raftAppliedIndex":"4","dbSizeInUse":"16384"}'
)
VARIABLES = (
    b'{"cmdline":["etcd"],"raft.status":{"id":"2e1259d415f2a040","term":2,"vote":"2e1259d415f2a040","commit":4,'
    b'"lead":"2e1259d415f2a040","raftState":"StateLeader","applied":4,"progress":{},"leadtransferee":"0"}}'
)
LISTED = (
    b'{"header":{"member_id":"3319814642761637952","raft_term":"2"},"members":['
    b'{"ID":"3319814642761637952","name":"n1","peerURLs":["http://10.0.0.1:2380"]},'
    b'{"ID":"17","name":"n2","clientURLs":["http://10.0.0.2:2379"]},'
    b'{"ID":"18","peerURLs":["http://10.0.0.3:2380"]}]}'
)


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that names a version as etcd does."""
    path = tmp_path / "own-etcd"
    path.write_text("#!/bin/sh\necho etcd Version: 3.9.1\n")
    path.chmod(0o755)
    return str(path)


def test_a_node_listens_at_its_own_addresses_and_knows_those_of_all_members(program: str) -> None:
    (process,) = Etcd(binary=program, election_ms=500).launch(PLACE).processes
    given = dict(zip(process.argv[1::2], process.argv[2::2], strict=False))
    assert process.argv[0] == program
    assert (given["--name"], given["--data-dir"]) == ("n2", "/run/n2/data")
    assert given["--listen-client-urls"] == given["--advertise-client-urls"] == "http://10.0.0.2:2379"
    assert given["--listen-peer-urls"] == given["--initial-advertise-peer-urls"] == "http://10.0.0.2:2380"
    assert given["--initial-cluster"] == ",".join(f"n{n}=http://10.0.0.{n}:2380" for n in (1, 2, 3))
    assert given["--election-timeout"] == "500"


def test_the_status_names_the_leader_by_the_list_of_members() -> None:
    assert read_status(STATUS, LISTED, VARIABLES) == NodeStatus("leader", 2, "n1", 4, 4, ("n1", "n2"))
    follower = VARIABLES.replace(b"2e1259d415f2a040", b"11").replace(b"StateLeader", b"StateFollower")
    assert read_status(STATUS, LISTED, follower) == NodeStatus("follower", 2, "n2", 4, 4, ("n1", "n2"))


def test_role_and_term_are_of_one_moment() -> None:
    """Who was just elected names itself in the status, and the term before its own."""
    elected = VARIABLES.replace(b'"term":2', b'"term":3')
    status = read_status(STATUS, LISTED, elected)
    assert status is not None
    assert (status.role, status.term) == ("leader", 3)


def test_a_member_that_has_not_published_its_name_is_not_named_as_leader() -> None:
    unnamed = VARIABLES.replace(b"2e1259d415f2a040", b"12")
    status = read_status(STATUS, LISTED, unnamed)
    assert status is not None
    assert status.leader is None


def test_without_a_leader_the_member_is_number_0() -> None:
    without = VARIABLES.replace(b"2e1259d415f2a040", b"0").replace(b"StateLeader", b"StateCandidate")
    status = read_status(STATUS, LISTED, without)
    assert status is not None
    assert (status.role, status.leader) == ("follower", None)


@pytest.mark.parametrize("damaged", [b"", b"{}", b"404 page not found", b"\xff", STATUS[:80]])
def test_a_reply_that_is_no_status_gives_none(damaged: bytes) -> None:
    assert read_status(damaged, LISTED, VARIABLES) is None
    assert read_status(STATUS, LISTED, damaged) is None


def test_faults_last_longer_than_the_time_in_which_followers_notice_a_lost_leader() -> None:
    for election_ms in (500, 1000):
        shortest_s, _ = bounds(Etcd(election_ms=election_ms)).fault_s
        assert shortest_s >= 2 * election_ms / 1000


def test_it_is_made_from_the_options_of_a_test() -> None:
    assert system_of("etcd", Test(nodes=("n1",)).options()) == Etcd()
    given = {"system_options": {"reads": "serializable", "election_ms": "300"}, "system_version": "3.4"}
    assert Etcd.of(given) == Etcd("3.4", reads="serializable", election_ms=300)
    assert Etcd.of(given).name == "etcd, reads=serializable"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"raeds": "serializable"}, "unknown option of system etcd 'raeds': did you mean 'reads'?"),
        (
            {"reads": "serialisable"},
            "option reads of system etcd: unknown value 'serialisable': did you mean 'serializable'?",
        ),
        ({"heartbeat-ms": "x"}, "option heartbeat_ms of system etcd: Expected `int`, got `str`: 'x'"),
    ],
)
def test_an_option_that_it_does_not_have_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Etcd.of({"system_options": options})


def test_the_program_names_its_version_and_another_one_is_refused(program: str) -> None:
    assert Etcd(binary=program).version() == "3.9.1"
    with pytest.raises(CouldNotRun, match=r"is etcd 3\.9\.1, not 3\.5"):
        Etcd("3.5", binary=program).version()


def test_it_may_end_by_itself_only_if_its_disk_fails_or_its_files_are_damaged() -> None:
    assert statuses_after(Etcd(), "corrupt") == statuses_after(Etcd(), "disk") != ()
    assert statuses_after(Etcd(), "descriptors") == statuses_after(Etcd(), "memory") == ()
