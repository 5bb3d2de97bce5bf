from __future__ import annotations

import asyncio

import msgspec
import pytest

from harness.cluster.kinds import LOCAL
from harness.nemesis import FINAL_HEAL, NEMESES, all_survivable, compose, nemesis_of
from harness.nemesis.action import Action
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.processes.lifecycle import Kill, Resume, Start
from harness.nemesis.mechanisms.links import LINKS
from harness.nemesis.mechanisms.world import WorldKind
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.sim.mechanisms.catalogue import SIM
from history import Operation
from tests.harness.nemesis.views import invocation, view


class RecordingWorld:
    """Remembers actions and does nothing else; of cuts it says that they failed."""

    def __init__(self, cluster: ClusterView) -> None:
        self.cluster = cluster
        self.done: list[Action] = []

    async def observe(self) -> ClusterView:
        return self.cluster

    async def carry_out(self, action: Action) -> Outcome:
        self.done.append(action)
        if isinstance(action, Cut):
            return Outcome(took_effect=False, error="the link proxy has ended")
        return Outcome(took_effect=True, details={"changed": ["n1"]})


def perform(operation: Operation, world: RecordingWorld, seed: int = 0) -> Operation:
    return asyncio.run(nemesis_of(all_survivable(LOCAL), LOCAL).perform(operation, world, seed))


def test_a_completion_says_who_led_what_was_done_and_what_came_of_it() -> None:
    world = RecordingWorld(view(3, leader="n1"))
    done = perform(invocation("kill", "leader"), world)
    assert world.done == [Kill(("n1",))]
    assert (done.type, done.f, done.error) == ("info", "kill", None)
    assert done.value == {
        "target": "leader",
        "leader": "n1",
        "term": 3,
        "actions": [
            {
                "kind": "Kill",
                "nodes": ["n1"],
                "links": [],
                "took_effect": True,
                "details": {"changed": ["n1"]},
                "error": None,
            }
        ],
    }
    assert msgspec.json.decode(msgspec.json.encode(done), type=Operation) == done


def test_a_leader_that_answers_late_is_asked_again_before_another_node_is_struck() -> None:
    now = view(3, leader="n2")
    late = ClusterView({**now.nodes, "n2": NodeView(running=True)})

    class LateWorld(RecordingWorld):
        asked = 0

        async def observe(self) -> ClusterView:
            self.asked += 1
            return self.cluster if self.asked < 3 else now

    world = LateWorld(late)
    assert perform(invocation("kill", "leader"), world).value["leader"] == "n2"
    assert (world.done, world.asked) == ([Kill(("n2",))], 3)

    world = LateWorld(ClusterView({**now.nodes, "n2": NodeView(running=True, paused=True)}))
    assert perform(invocation("kill", "leader"), world).value["leader"] is None
    assert world.asked == 1, "who is paused cannot answer"


def test_an_action_that_fails_stands_in_the_completion() -> None:
    (action,) = perform(invocation("partition", "isolate-one"), RecordingWorld(view(2))).value["actions"]
    assert action["error"] == "the link proxy has ended"
    assert action["took_effect"] is False
    assert sorted(action["links"]) == [["n1", "n2"], ["n2", "n1"]]


def test_an_operation_that_no_fault_handles_completes_with_an_error_and_does_nothing() -> None:
    world = RecordingWorld(view(3))
    for operation, message in [
        (invocation("kill", "leeder"), "no target is called 'leeder'"),
        (invocation("burn", "one"), "no fault of this run handles 'burn'"),
    ]:
        done = perform(operation, world)
        assert done.type == "info"
        assert done.error is not None
        assert message in done.error
        assert done.value["actions"] == []
    assert world.done == []


def test_the_final_heal_mends_everything_whatever_was_asked_for() -> None:
    world = RecordingWorld(view(2))
    operation = invocation(FINAL_HEAL)
    done = asyncio.run(nemesis_of([], LOCAL).perform(operation, world, 0))
    assert world.done == [Heal(), Resume(("n1", "n2")), Start(("n1", "n2"))]
    assert "target" not in done.value


def test_what_is_drawn_follows_from_the_seed_and_the_operation() -> None:
    def hit(index: int, seed: int) -> object:
        operation = msgspec.structs.replace(invocation("kill", "one"), index=index)
        return perform(operation, RecordingWorld(view(9)), seed).value["actions"][0]["nodes"]

    assert hit(4, 1) == hit(4, 1)
    assert len({str(hit(index, 1)) for index in range(30)}) > 3
    assert len({str(hit(4, seed)) for seed in range(30)}) > 3


def test_an_unknown_nemesis_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown nemesis 'partitoin': did you mean 'partition'"):
        nemesis_of(["partitoin"], LOCAL)


def test_a_target_named_with_a_fault_is_the_only_one_drawn() -> None:
    (kill,) = nemesis_of(["kill:leader", "kill:all"], LOCAL).faults
    assert kill.targets == ("leader", "all")
    (kill,) = nemesis_of(["kill"], LOCAL).faults
    assert kill.targets == NEMESES["kill"].targets
    with pytest.raises(ValueError, match="unknown target of nemesis kill 'leeder': did you mean 'leader'"):
        nemesis_of(["kill:leeder"], LOCAL)


def test_a_node_may_be_named_as_the_target_of_a_fault_that_hits_nodes() -> None:
    (kill,) = nemesis_of(["kill:n2"], LOCAL, nodes=("n1", "n2")).faults
    assert kill.targets == ("n2",)
    with pytest.raises(ValueError, match="unknown target of nemesis kill 'n3'"):
        nemesis_of(["kill:n3"], LOCAL, nodes=("n1", "n2"))
    with pytest.raises(ValueError, match="unknown target of nemesis partition"):
        nemesis_of(["partition:n1"], LOCAL, nodes=("n1", "n2"))


def test_a_fault_that_a_world_cannot_do_is_refused() -> None:
    only_links = WorldKind("sim", frozenset({LINKS}))
    assert nemesis_of(["partition"], only_links).faults
    with pytest.raises(ValueError, match="nemesis kill is not possible in sim: that world has no processes"):
        nemesis_of(["kill"], only_links)


def test_two_faults_cannot_share_an_operation() -> None:
    kill = NEMESES["kill"]
    other = msgspec.structs.replace(kill, name="murder", end="revive")
    with pytest.raises(ValueError, match="kill and murder both handle 'kill'"):
        compose([kill, other])


def test_a_name_given_twice_counts_once() -> None:
    assert len(nemesis_of(["kill", "kill"], LOCAL).faults) == 1


def test_a_fault_of_links_needs_two_nodes() -> None:
    with pytest.raises(ValueError, match="nemesis partition needs at least 2 nodes; this test has 1"):
        nemesis_of(["kill", "partition"], LOCAL, ("n1",))
    assert {"partition", "delay", "membership"} <= set(all_survivable(SIM)) - set(all_survivable(SIM, 1))
    assert nemesis_of(all_survivable(LOCAL, 1), LOCAL, ("n1",)).faults
