"""Vacuity: too little traffic, or faults that broke nothing, is unknown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from checkers.run.faults import fault_operations
from checkers.run.vacuity import Vacuity
from checkers.verdict import Validity, Verdict
from harness.nemesis.catalogue import kinds_of
from history import PolledStatus
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.traces import healthy_cluster

KEY = "svc/10.0.0.1:80"


def action(
    kind: str, *, nodes: tuple[str, ...] = (), took_effect: bool = True, **details: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "nodes": list(nodes),
        "links": [],
        "took_effect": took_effect,
        "details": details,
        "error": None,
    }


def traffic(writes: int = 100) -> HistoryBuilder:
    built = HistoryBuilder()
    for number in range(writes):
        built.do("register", KEY, f"r{number}", f"r{number}")
    return built


def check(built: HistoryBuilder, *nemesis: str, traces: Any = None, **options: Any) -> Verdict:
    options = {"nemesis": list(nemesis), **options}
    run = recording(built, options=options, traces=traces, fault_kinds=kinds_of(nemesis))
    return Vacuity().check(run)


def test_enough_traffic_without_faults_is_valid_with_a_caveat() -> None:
    verdict = check(traffic())
    assert verdict.validity is Validity.VALID
    assert verdict.caveats


def test_a_fault_that_never_had_a_turn_is_unknown_and_called_so() -> None:
    verdict = check(traffic(), "partition")
    assert verdict.validity is Validity.UNKNOWN
    assert (
        verdict.summary == "the run proves little: partition is a fault of this run, but it never had a turn"
    )


def test_too_few_acknowledged_writes_are_unknown() -> None:
    built = traffic(99)
    built.do("register", KEY, "x", None, "info")
    built.do("lookup", KEY, None, "r98")
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert "99" in verdict.summary
    assert check(built, minimum_acknowledged=99).validity is Validity.VALID


def test_where_nothing_ever_succeeded_that_is_the_one_reason() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "x", None, "info", error="no route")
    built.do("lookup", KEY, None, None, "fail", error="no route")
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.summary == (
        "the run proves little: no operation of a client succeeded: most ended with 'no route'"
    )
    built.do("lookup", KEY, None, None)
    reasons = check(built).summary
    assert "only 0 writes were acknowledged" in reasons
    assert "no register operation succeeded, of 1" in reasons


@pytest.mark.parametrize("family", ["kill", "partition", "pause", "anything"])
def test_a_fault_that_was_asked_for_and_never_came_is_unknown(family: str) -> None:
    assert check(traffic(), family).validity is Validity.UNKNOWN


def kill(
    built: HistoryBuilder, node: str, *, leader: str | None, target: str = "leader", took: bool = True
) -> None:
    actions = [action("Kill", nodes=(node,), took_effect=took)]
    built.nemesis("kill", {"target": target, "leader": leader, "term": 1, "actions": actions})


def test_a_kill_that_ended_no_process_is_unknown() -> None:
    built = traffic()
    kill(built, "n1", leader="n1", took=False)
    assert check(built, "kill").validity is Validity.UNKNOWN
    kill(built, "n1", leader="n1")
    assert check(built, "kill").validity is Validity.VALID


def test_kills_aimed_at_the_leader_that_never_met_one_are_unknown() -> None:
    built = traffic()
    kill(built, "n2", leader="n1")
    kill(built, "n2", leader=None)
    assert check(built, "kill").validity is Validity.UNKNOWN


def test_kills_aimed_elsewhere_need_meet_no_leader_unless_asked_to() -> None:
    built = traffic()
    kill(built, "n2", leader="n1", target="minority")
    assert check(built, "kill").validity is Validity.VALID
    assert check(built, "kill:minority", "kill:leader").validity is Validity.UNKNOWN


def test_a_lost_leader_must_be_followed_by_one_of_a_later_term_where_traces_tell() -> None:
    built = traffic()
    kill(built, "n1", leader="n1")
    cluster = healthy_cluster()
    assert check(built, "kill", traces=cluster.build()).validity is Validity.VALID
    cluster["n2"].events = [event for event in cluster["n2"].events if event.term < 2]
    assert check(built, "kill", traces=cluster.build()).validity is Validity.UNKNOWN


def asked(*answers: tuple[str, int, str, int]) -> tuple[PolledStatus, ...]:
    """Answers of nodes: who, the second, the role, the term."""
    return tuple(PolledStatus(node, at * 1_000_000_000, role, term) for node, at, role, term in answers)


@pytest.mark.parametrize(
    ("answers", "validity", "rests_on"),
    [
        ((), Validity.VALID, "whether another leader followed is not known"),
        ((("n2", 900, "leader", 2),), Validity.VALID, "so does that another leader followed"),
        ((("n2", 900, "leader", 0),), Validity.VALID, "so does that another leader followed"),
        ((("n1", 900, "leader", 0),), Validity.VALID, "whether another leader followed is not known"),
        (
            (("n1", 900, "leader", 1), ("n2", 900, "leader", 1)),
            Validity.UNKNOWN,
            "none of them led a later term",
        ),
        ((("n2", 0, "leader", 2),), Validity.UNKNOWN, "none of them led a later term"),
    ],
)
def test_without_traces_a_lost_leader_is_judged_by_what_nodes_answered_and_the_verdict_says_so(
    answers: tuple[tuple[str, int, str, int], ...], validity: Validity, rests_on: str
) -> None:
    built = traffic()
    kill(built, "n1", leader="n1")
    run = recording(
        built,
        options={"nemesis": ["kill:leader"], "lacks": ["traces", "indices"]},
        fault_kinds=kinds_of(("kill",)),
    )
    run = msgspec.structs.replace(run, statuses=asked(*answers))
    verdict = Vacuity().check(run)
    assert verdict.validity is validity, verdict
    assert rests_on in verdict.caveats[0]


def test_a_later_operation_of_the_nemesis_shows_a_new_leader_too() -> None:
    built = traffic()
    kill(built, "n1", leader="n1")
    built.nemesis("restart", {"leader": "n2", "term": 2, "actions": []})
    verdict = check(built, "kill:leader", lacks=["traces"])
    assert verdict.validity is Validity.VALID
    assert "so does that another leader followed" in verdict.caveats[0]


def test_a_partition_that_swallowed_nothing_is_unknown() -> None:
    built = traffic()
    built.nemesis("partition", {"target": "halves", "actions": [action("Cut")]})
    built.nemesis("heal", {"actions": [action("Heal", swallowed_messages=0, swallowed_bytes=0)]})
    assert check(built, "partition").validity is Validity.UNKNOWN
    built.nemesis("final-heal", {"actions": [action("Heal", swallowed_messages=3, swallowed_bytes=99)]})
    assert check(built, "partition").validity is Validity.VALID


@pytest.mark.parametrize("fault", ["partition", "loss"])
def test_a_cut_that_did_not_know_its_effect_is_judged_by_what_its_heal_counted(fault: str) -> None:
    begin, end = {"partition": ("Cut", "Heal"), "loss": ("Lose", "EndLoss")}[fault]
    built = traffic()
    built.nemesis(fault, {"actions": [{**action(begin), "took_effect": None}]})
    assert check(built, fault).validity is Validity.UNKNOWN
    assert "no message was lost" in check(built, fault).summary
    built.nemesis("heal", {"actions": [action(end, swallowed_packets=2)]})
    assert check(built, fault).validity is Validity.VALID


def test_a_pause_counts_if_it_took_effect() -> None:
    built = traffic()
    built.nemesis("pause", {"actions": [action("Pause", nodes=("n1",), took_effect=False)]})
    assert check(built, "pause").validity is Validity.UNKNOWN
    built.nemesis("pause", {"actions": [action("Pause", nodes=("n1",))]})
    assert check(built, "pause").validity is Validity.VALID


def test_every_family_asked_for_must_have_had_effect() -> None:
    built = traffic()
    kill(built, "n1", leader="n1")
    verdict = check(built, "kill", "pause")
    assert verdict.validity is Validity.UNKNOWN
    assert "pause" in verdict.summary
    assert "kill" not in verdict.evidence[0].text


@pytest.mark.parametrize(
    "value",
    [None, 3, "x", [], {"actions": 3}, {"actions": [None, {}, {"kind": 1, "nodes": "n1", "details": 0}]}],
)
def test_a_nemesis_value_of_another_shape_is_no_effect_and_no_failure(value: Any) -> None:
    built = traffic()
    built.nemesis("kill", value)
    assert check(built, "kill").validity is Validity.UNKNOWN
    (fault,) = fault_operations(built.history())
    assert fault.f == "kill"


def test_membership_took_effect_if_a_node_committed_other_members_not_if_somebody_said_so() -> None:
    built = traffic()
    value = {"target": "remove", "actions": [action("ChangeMembership", nodes=("n3",))]}
    built.nemesis("change-membership", value)
    cluster = healthy_cluster()
    assert check(built, "membership", traces=cluster.build()).validity is Validity.UNKNOWN
    last = len(cluster["n2"].log)
    cluster["n2"].configure(("n1", "n2"), index=last + 1)
    assert check(built, "membership", traces=cluster.build()).validity is Validity.UNKNOWN, "not committed"
    cluster["n2"].configure(("n1", "n2"), index=last)
    assert check(built, "membership", traces=cluster.build()).validity is Validity.VALID
