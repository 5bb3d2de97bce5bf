"""Nacos's command lines and files, by version, and what its replies about its Raft say (recorded ones)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView, NodeView
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place, bounds, leader
from harness.systems.nacos import Nacos
from harness.systems.nacos.status import read_jraft, read_own_raft
from harness.systems.nacos.versions import VERSIONS

PORTS = {"client": 8848, "grpc": 9848, "grpc-cluster": 9849, "raft": 7848}
MEMBERS = {f"n{n}": {name: f"10.77.0.{n}:{port}" for name, port in PORTS.items()} for n in (1, 2, 3)}
PLACE = Place(
    name="n2",
    host="10.77.0.2",
    ports=PORTS,
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)
BY_RAFT = {at["raft"]: name for name, at in MEMBERS.items()}
BY_CLIENT = {at["client"]: name for name, at in MEMBERS.items()}
GROUP = "naming_persistent_service_v2"
SELF = (
    b'{"code":0,"message":"success","data":{"ip":"10.77.0.1","port":8848,"state":"UP","extendInfo":{'
    b'"lastRefreshTime":1795870272903,"raftMetaData":{"metaDataMap":{"nacos_config":{"leader":'
    b'"10.77.0.1:7848","raftGroupMember":["10.77.0.2:7848","10.77.0.3:7848","10.77.0.1:7848"],"term":1},'
    b'"naming_persistent_service_v2":{"leader":"10.77.0.2:7848","raftGroupMember":["10.77.0.2:7848",'
    b'"10.77.0.3:7848","10.77.0.1:7848"],"term":3}}},"raftPort":"7848","readyToUpgrade":true,'
    b'"version":"2.3.2"},"address":"10.77.0.1:8848","failAccessCnt":0}}'
)
PEERS = (
    b'{"peers":[{"ip":"10.77.0.2:8848","voteFor":null,"term":0,"leaderDueMs":2720,"heartbeatDueMs":4091,'
    b'"state":"FOLLOWER"},{"ip":"10.77.0.3:8848","voteFor":"10.77.0.1:8848","term":1,"leaderDueMs":14956,'
    b'"heartbeatDueMs":2500,"state":"FOLLOWER"},{"ip":"10.77.0.1:8848","voteFor":"10.77.0.1:8848",'
    b'"term":401,"leaderDueMs":17541,"heartbeatDueMs":5000,"state":"LEADER"}],"doms":0}'
)


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with the jars' names of every version, which say which version they are; and a false Java."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\"'\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{java.parent}:/usr/bin:/bin")
    for number in VERSIONS:
        folder = tmp_path / number / "lib"
        folder.mkdir(parents=True)
        (folder / f"com.alibaba.nacos.nacos-naming-{number}.jar").touch()
    return str(tmp_path)


def test_a_node_gets_its_own_address_and_those_of_all_members(jars: str) -> None:
    launch = Nacos("2.3.2", jars=f"{jars}/2.3.2").launch(PLACE)
    (process,) = launch.processes
    files = {file.path: file.content for file in launch.files}
    assert process.argv[0].endswith("java")
    assert process.argv[-1] == "com.alibaba.nacos.Nacos"
    assert "-Dnacos.server.ip=10.77.0.2" in process.argv
    assert "-Dnacos.home=/run/n2/data" in process.argv
    assert files["data/conf/cluster.conf"] == "10.77.0.1:8848\n10.77.0.2:8848\n10.77.0.3:8848\n"
    assert "server.port=8848\n" in files["data/conf/application.properties"]


@pytest.mark.parametrize("number", VERSIONS)
def test_a_result_names_who_built_what_was_tested(number: str) -> None:
    publisher = VERSIONS[number].publisher
    assert (publisher is None) == (number == "0.8.0")
    assert number in Nacos(number).name
    assert publisher is None or publisher in Nacos(number).name


def test_instances_of_the_oldest_version_are_on_disk_and_need_no_beats(jars: str) -> None:
    (process,) = Nacos("0.8.0", jars=f"{jars}/0.8.0").launch(PLACE).processes
    assert "-Dnacos.instanceListPersisted=true" in process.argv
    assert "-Dackproof.healthCheckMode=server" in process.argv


def test_snapshots_come_more_often_if_that_is_asked_for(jars: str) -> None:
    def settings(snapshot_s: int | None) -> str:
        launch = Nacos("2.3.2", jars=f"{jars}/2.3.2", snapshot_s=snapshot_s).launch(PLACE)
        return {file.path: file.content for file in launch.files}["data/conf/application.properties"]

    assert "snapshot_interval_secs" not in settings(None)
    assert "nacos.core.protocol.raft.data.snapshot_interval_secs=10\n" in settings(10)


def test_jars_of_another_version_are_refused_before_the_start(jars: str) -> None:
    with pytest.raises(CouldNotRun, match=r"1\.4\.1, not 2\.3\.2"):
        Nacos("2.3.2", jars=f"{jars}/1.4.1").version()


def test_without_a_version_it_is_the_one_that_is_here(jars: str) -> None:
    assert Nacos(jars=f"{jars}/1.4.1").release.number == "1.4.1"


@pytest.mark.parametrize("number", VERSIONS)
def test_a_node_writes_nothing_into_the_home_of_the_user(jars: str, number: str) -> None:
    (process,) = Nacos(number, jars=f"{jars}/{number}").launch(PLACE).processes
    assert "-Duser.home=/run/n2/home" in process.argv, "each node has its own; all write logs there"


def test_copies_of_configurations_may_stay_old_until_a_node_compares_them() -> None:
    most_between_comparisons_s = 30
    assert bounds(Nacos("3.1.0", data="configs")).settle_s > most_between_comparisons_s
    assert bounds(Nacos("3.1.0")).settle_s == 0


@pytest.mark.parametrize("number", VERSIONS)
def test_faults_last_longer_than_a_follower_waits_for_a_lost_leader(number: str) -> None:
    longest_wait_s = 20 if number == "0.8.0" else 10
    assert min(bounds(Nacos(number)).fault_s) > longest_wait_s


def test_the_status_is_that_of_the_group_of_persistent_instances() -> None:
    follower = read_jraft(SELF, GROUP, "n1", BY_RAFT)
    assert follower == NodeStatus("follower", 3, "n2", members=("n1", "n2", "n3"))
    leader = read_jraft(SELF, GROUP, "n2", BY_RAFT)
    assert leader is not None
    assert leader.role == "leader"


def test_a_node_without_the_group_has_no_status_yet() -> None:
    assert read_jraft(SELF, "naming_persistent_service", "n1", BY_RAFT) is None
    assert read_jraft(SELF.replace(b'"UP"', b'"DOWN"'), GROUP, "n1", BY_RAFT) is None


def test_the_old_raft_is_asked_what_a_node_believes_of_itself() -> None:
    assert read_own_raft(PEERS, "n1", BY_CLIENT) == NodeStatus(
        "leader", 401, "n1", members=("n1", "n2", "n3")
    )
    assert read_own_raft(PEERS, "n2", BY_CLIENT) == NodeStatus(
        "follower", 0, "n1", members=("n1", "n2", "n3")
    )


def test_whom_a_node_of_the_old_raft_follows_counts_above_a_dead_leader_of_a_newer_term() -> None:
    follows = b'{"leader":"{\\"ip\\":\\"10.77.0.3:8848\\",\\"state\\":\\"LEADER\\",\\"term\\":9}"}'
    seen = read_own_raft(PEERS, "n2", BY_CLIENT, follows)
    assert seen is not None
    assert (seen.role, seen.term, seen.leader) == ("follower", 0, "n3")
    for none in (b'{"leader":"null"}', b"{}", b"no JSON"):
        seen = read_own_raft(PEERS, "n2", BY_CLIENT, none)
        assert seen is not None
        assert seen.leader is None, none


def test_the_old_raft_has_a_leader_though_its_followers_are_a_publication_behind() -> None:
    def view(*leaders: str | None) -> ClusterView:
        roles = (
            "leader" if leader == name else "follower" for name, leader in zip(MEMBERS, leaders, strict=True)
        )
        states = [
            NodeView(running=True, role=role, term=101 + 100 * (role == "leader"), leader=leader)
            for role, leader in zip(roles, leaders, strict=True)
        ]
        return ClusterView(dict(zip(MEMBERS, states, strict=True)))

    old, newer = Nacos("0.8.0"), Nacos("1.4.1")
    assert leader(old, view("n3", "n3", "n3")) == "n3"
    assert leader(newer, view("n3", "n3", "n3")) is None
    assert leader(old, view(None, None, "n3")) is None
    assert leader(old, view("n1", "n1", "n3")) is None, "the leader of the newest term has one follower"
    assert leader(old, view(None, None, None)) is None


def test_a_candidate_of_the_old_raft_names_no_leader() -> None:
    status = read_own_raft(PEERS.replace(b'"LEADER"', b'"CANDIDATE"'), "n1", BY_CLIENT)
    assert status is not None
    assert (status.role, status.leader) == ("candidate", None)


@pytest.mark.parametrize(
    "damaged", [b"", b"{}", b"caused: old raft protocol already stop;", b"\xff", SELF[:99]]
)
def test_a_reply_that_is_no_status_gives_none(damaged: bytes) -> None:
    assert read_jraft(damaged, GROUP, "n1", BY_RAFT) is None
    assert read_own_raft(damaged, "n1", BY_CLIENT) is None


def test_it_is_made_from_the_options_of_a_test() -> None:
    options = Test(nodes=("n1",)).options()
    assert system_of("nacos", options) == Nacos()
    assert system_of("nacos@0.8.0", options) == Nacos("0.8.0")
    given = msgspec.structs.replace(Test(nodes=("n1",)), system_options={"snapshot-s": "10"}).options()
    assert system_of("nacos@3.1.0", given) == Nacos("3.1.0", snapshot_s=10)


def test_an_unknown_version_is_refused_before_the_start() -> None:
    with pytest.raises(ValueError, match=r"version of Nacos .2\.3\.1.: did you mean .2\.3\.2"):
        system_of("nacos@2.3.1", Test(nodes=("n1",)).options())
