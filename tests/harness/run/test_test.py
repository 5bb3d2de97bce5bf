"""The description of a run: its faults by name, its parts, and what is refused before it starts."""

from __future__ import annotations

import pytest

from harness.client.codecs.config import ConfigCodec
from harness.cluster.kinds import HOSTED_WORLDS
from harness.nemesis import all_survivable
from harness.run.parts import parts_of
from harness.run.test import Test, with_chosen_faults
from harness.systems.base import bounds
from harness.systems.reference_node import ReferenceNode

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


def test_clients_wait_longer_than_the_node_tries() -> None:
    test = Test(nodes=NODES, request_timeout_ms=1000)
    assert bounds(parts_of(test).system).request_s == 1.5
