"""The description of a run: its faults by name, its parts, and what is refused before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from harness.client.codecs.config import ConfigCodec
from harness.cluster.kinds import HOSTED_WORLDS
from harness.nemesis import all_survivable
from harness.nemesis.schedule import Pace
from harness.run.course import nemesis_for
from harness.run.parts import parts_of, settle_bound_s, with_system_bounds
from harness.run.test import Test, check_bounds, with_chosen_faults
from harness.systems.base import bounds
from harness.systems.reference_node import ReferenceNode
from tests.harness.systems.described.test_described import ETCD

NODES = ("n1", "n2", "n3")


def test_all_is_replaced_by_every_fault_that_a_correct_system_survives() -> None:
    test = with_chosen_faults(Test(nodes=NODES, nemesis=("all", "kill:leader")))
    assert test.nemesis == (*all_survivable(HOSTED_WORLDS["local"]), "kill:leader")


def test_a_swarm_runs_the_faults_that_its_seed_chooses() -> None:
    swarms = [
        with_chosen_faults(
            Test(nodes=NODES, nemesis=("kill", "pause", "partition"), schedule="swarm", seed=n)
        )
        for n in range(20)
    ]
    assert all(set(swarm.nemesis) <= {"kill", "pause", "partition"} for swarm in swarms)
    assert len({swarm.nemesis for swarm in swarms}) > 2
    assert with_chosen_faults(swarms[3]).seed == 3


@pytest.mark.parametrize(
    ("nemesis", "schedule", "message"),
    [
        (("partitoin",), "rounds", "did you mean 'partition'"),
        (("kill:leadr",), "rounds", "did you mean 'leader'"),
        (("kill",), "2 kil", "kil"),
    ],
)
def test_faults_and_schedules_that_do_not_exist_are_refused(
    nemesis: tuple[str, ...], schedule: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        with_chosen_faults(Test(nodes=NODES, nemesis=nemesis, schedule=schedule))


@pytest.mark.parametrize(
    ("system", "asked", "bound"),
    [
        ("zookeeper", None, 20.0),
        ("zookeeper", 12.0, 12.0),
        ("reference-node", None, 10.0),
        ("nacos", None, 45.0),
    ],
)
def test_a_test_that_states_no_bound_on_recovery_takes_that_of_its_system(
    system: str, asked: float | None, bound: float
) -> None:
    test = Test(nodes=NODES, system=system, workload="register")
    if asked is not None:
        test = structs.replace(test, recovery_bound_s=asked)
    assert with_system_bounds(test).recovery_bound_s == bound


def test_the_parts_of_a_test_are_those_that_it_names() -> None:
    parts = parts_of(Test(nodes=NODES, workload="cas", heartbeat_ms=70))
    assert parts.workload.name == "cas"
    assert parts.system == ReferenceNode(heartbeat_ms=70)
    assert isinstance(parts.client, ConfigCodec)


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (Test(nodes=NODES, workload="regstry"), "did you mean 'registry'"),
        (Test(nodes=NODES, system="reference_node"), "did you mean 'reference-node'"),
        (Test(nodes=NODES, system="none.py:System"), "there is no file"),
    ],
)
def test_parts_that_do_not_exist_are_refused(test: Test, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parts_of(test)


def test_a_run_gives_nodes_the_longer_of_its_own_time_to_settle_and_the_systems(tmp_path: Path) -> None:
    (tmp_path / "lags.toml").write_text(
        ETCD.replace("start_s = 20", "start_s = 20, settle_s = 30"), encoding="utf-8"
    )
    lags = Test(nodes=NODES, system=str(tmp_path / "lags.toml"), workload="cas")
    system = parts_of(lags).system
    assert settle_bound_s(lags, system) == 30
    assert settle_bound_s(structs.replace(lags, settle_bound_s=40.0), system) == 40
    usual = Test(nodes=NODES, workload="stale-instances")
    longer = structs.replace(usual, settle_bound_s=40.0)
    assert parts_of(longer).workload.final != parts_of(usual).workload.final


def test_clients_wait_longer_than_the_node_tries() -> None:
    test = Test(nodes=NODES, request_timeout_ms=1000)
    assert bounds(parts_of(test).system).request_s == 1.5


def test_faults_of_the_network_are_refused_where_nodes_share_one_address(tmp_path: Path) -> None:
    (tmp_path / "etcd.toml").write_text(ETCD, encoding="utf-8")
    system = str(tmp_path / "etcd.toml")
    test = Test(nodes=NODES, system=system, workload="cas", nemesis=("partition",))
    with pytest.raises(ValueError, match=r"no links that can be cut .*; --world netns gives each its own"):
        with_chosen_faults(test)
    assert with_chosen_faults(structs.replace(test, world="netns")).nemesis == ("partition",)
    assert with_chosen_faults(structs.replace(test, nemesis=("kill",))).nemesis == ("kill",)


def test_faults_last_as_long_as_the_test_or_else_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "etcd.toml").write_text(ETCD, encoding="utf-8")
    test = Test(nodes=NODES, system=str(tmp_path / "etcd.toml"), workload="cas", nemesis=("kill",))
    system = parts_of(test).system
    assert nemesis_for(test, system).pace.fault_ms == (3000, 5000), "as the description says"
    assert nemesis_for(structs.replace(test, fault_s=(7.0, 8.5)), system).pace.fault_ms == (7000, 8500)
    usual = Test(nodes=NODES)
    assert nemesis_for(usual, parts_of(usual).system).pace == Pace()
    with pytest.raises(ValueError, match="fault_s is"):
        check_bounds(structs.replace(usual, fault_s=(3.0, 2.0)))
