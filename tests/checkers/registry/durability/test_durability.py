"""Durability: the vectorized rule equals the plain one; every missing read is unknown."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkers.registry.durability.durability import Durability
from checkers.registry.durability.findings import VIOLATIONS
from checkers.registry.linearizability.by_search.presence import PresenceEffect, PresenceOperation
from checkers.verdict import Validity, Verdict
from history import History, Recording, read_history, write_parquet
from tests.checkers.builders import NODES, WRITES, HistoryBuilder, final_reads, recording, simulate
from tests.checkers.durability_oracle import judge
from tests.checkers.linearizability.oracle import linearizable

KEY = "svc/10.0.0.1:80"
OTHER = "svc/10.0.0.2:80"
KEYS = (KEY, OTHER, "tail/10.0.0.1:80")
SERVICES = ("svc", "tail")


def check(built: HistoryBuilder | History, nodes: tuple[str, ...] = NODES) -> Verdict:
    return Durability().check(recording(built, nodes=nodes))


def finished(seed: int | Random, steps: int = 40) -> HistoryBuilder:
    random = Random(seed) if isinstance(seed, int) else seed
    built = simulate(random, keys=KEYS, steps=steps)
    final_reads(built, built.final_state, built.final_index, services=SERVICES)
    return built


def counts(verdict: Verdict) -> dict[str, int]:
    return {kind: verdict.measures[kind.replace(" ", "_")] for kind in VIOLATIONS}


@settings(max_examples=400)
@given(random=st.randoms(use_true_random=False))
def test_a_correct_registry_is_never_called_invalid(random: Random) -> None:
    assert check(finished(random)).validity is not Validity.INVALID


def test_correct_registries_are_called_valid() -> None:
    for seed in range(200):
        verdict = check(finished(seed, steps=150))
        assert verdict.validity is Validity.VALID, (seed, verdict)


def wrong_states(seed: int) -> tuple[HistoryBuilder, dict[str, str]]:
    """A correct run, and a final state that may be wrong in any way."""
    random = Random(seed)
    built = simulate(random, keys=KEYS, steps=random.choice((8, 15, 40)))
    state = dict(built.final_state)
    registered = [
        (op.key, op.value)
        for op in built.operations
        if op.type == "invoke" and op.f in ("register", "update")
    ]
    for _ in range(random.randrange(3)):
        key = random.choice(KEYS)
        match random.randrange(4):
            case 0:
                state.pop(key, None)
            case 1 if registered:
                state[key] = random.choice(registered)[1]
            case 2 if mine := [id_ for where, id_ in registered if where == key]:
                state[key] = random.choice(mine)
            case 3:
                state[key] = f"never{random.randrange(9)}"
    return built, state


def test_the_arrays_agree_with_the_rule_word_for_word() -> None:
    seen = dict.fromkeys(VIOLATIONS, 0)
    for seed in range(3000):
        built, state = wrong_states(seed)
        written = built.history()
        keys = {op.key for op in written if op.f in WRITES and op.key is not None}
        expected = {
            (kind, key, id_) for key in keys | set(state) for kind, id_ in judge(written, key, state.get(key))
        }
        final_reads(built, state, built.final_index, services=SERVICES)
        verdict = check(built)
        assert counts(verdict) == {kind: sum(k == kind for k, _, _ in expected) for kind in VIOLATIONS}, seed
        assert (verdict.validity is Validity.INVALID) == bool(expected), seed
        for kind in VIOLATIONS:
            seen[kind] += sum(k == kind for k, _, _ in expected)
    assert all(count > 15 for count in seen.values()), seen


def test_the_rule_is_sound_by_brute_force() -> None:
    """Whatever the rule forbids, no order of the writes with that final read allows either."""
    forbidden = with_updates = 0
    for seed in range(1500):
        built, state = wrong_states(seed)
        history = built.history()
        for key in KEYS:
            if not judge(history, key, state.get(key)):
                continue
            operations = []
            for op in history:
                if op.type != "invoke" or op.key != key or op.f not in WRITES:
                    continue
                end = history.completion(op)
                if end is not None and end.type == "fail":
                    continue
                done = end.index if end is not None and end.type == "ok" else None
                if op.f == "update" and end is not None and end.value is False:
                    operations.append(PresenceOperation(PresenceEffect.READ, None, op.index, done, op.f))
                elif op.f in ("register", "update"):
                    put = PresenceEffect.SET if op.f == "register" else PresenceEffect.CHANGE
                    operations.append(PresenceOperation(put, op.value, op.index, done, op.f))
                else:
                    removed = end.value if end is not None and done is not None else None
                    operations.append(PresenceOperation(PresenceEffect.REMOVE, removed, op.index, done, op.f))
            if len(operations) > 8:
                continue
            last = PresenceOperation(PresenceEffect.READ, state.get(key), 10_000, 10_001, "final-list")
            assert linearizable(operations), seed
            assert not linearizable([*operations, last]), (seed, key)
            forbidden += 1
            with_updates += any(operation.f == "update" for operation in operations)
    assert forbidden > 300
    assert with_updates > 150


def test_objects_and_parquet_are_judged_alike(tmp_path: Path) -> None:
    for seed in range(5):
        built, state = wrong_states(seed + 100)
        final_reads(built, state, built.final_index, services=SERVICES)
        path = tmp_path / f"{seed}.parquet"
        write_parquet(built.history(), path)
        assert Durability().check(Recording(nodes=NODES, history=read_history(path))) == check(built)


# ---- by hand -----------------------------------------------------------------------------------------


def registered(*, raft_index: int | None = 1) -> HistoryBuilder:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1", raft_index=raft_index)
    return built


def test_a_registration_lost_on_one_node_names_the_node_and_the_operations() -> None:
    built = registered()
    final_reads(built, {KEY: "r1"}, 1, services=("svc",), nodes=("n1", "n2"))
    lost = built.do("final-local", "svc", None, {}, node="n3", raft_index=1)
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    (found,) = verdict.evidence
    assert found.title == "registration r1, acknowledged at 0.002 s, was lost on n3"
    assert found.nodes == ("n3",)
    assert found.operations == (0, lost - 1)
    assert verdict.measures["by_place"]["n3"] == {"lost": 1}
    assert verdict.measures["by_place"]["n1"] == {}


def test_a_deregistered_id_that_comes_back_is_resurrected() -> None:
    built = registered()
    gone = built.do("deregister", KEY, None, "r1", raft_index=2)
    final_reads(built, {KEY: "r1"}, 2, services=("svc",))
    verdict = check(built)
    assert counts(verdict) == {"lost": 0, "resurrected": 1, "failed but present": 0, "invented": 0}
    assert {0, gone - 1} <= set(verdict.evidence[0].operations)


def test_an_unacknowledged_registration_may_be_there_or_not_and_is_counted() -> None:
    for state in ({}, {OTHER: "r2"}):
        built = registered()
        built.do("register", OTHER, "r2", None, "info")
        final_reads(built, {KEY: "r1", **state}, 1, services=("svc",))
        verdict = check(built)
        assert verdict.validity is Validity.VALID
        assert verdict.measures["unacknowledged_but_present"] == len(state)


def test_after_an_unresolved_write_of_the_key_either_is_right() -> None:
    for state in ({}, {KEY: "r1"}):
        built = HistoryBuilder()
        built.do("deregister", KEY, None, None, "info")
        built.do("register", KEY, "r1", "r1", raft_index=1)
        final_reads(built, state, 1, services=("svc",))
        assert check(built).validity is Validity.VALID


def all_but(built: HistoryBuilder, *, skip: tuple[str, str]) -> HistoryBuilder:
    for f in ("final-list", "final-local"):
        for node in NODES:
            if (f, node) != skip:
                built.do(f, "svc", None, {"10.0.0.1:80": "r1"}, node=node, raft_index=1)
    return built


@pytest.mark.parametrize("node", NODES)
def test_a_node_that_was_not_read_is_unknown(node: str) -> None:
    verdict = check(all_but(registered(), skip=("final-local", node)))
    assert verdict.validity is Validity.UNKNOWN
    assert node in verdict.summary


def test_one_linearizable_read_of_a_service_is_enough() -> None:
    assert check(all_but(registered(), skip=("final-list", "n1"))).validity is Validity.VALID


def test_a_key_that_no_list_covers_is_unknown() -> None:
    built = registered()
    built.do("register", "tail/10.0.0.1:80", "r2", "r2", raft_index=1)
    final_reads(built, {KEY: "r1"}, 1, services=("svc",))
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert "tail/10.0.0.1:80" in verdict.evidence[0].text


def test_a_run_without_final_reads_is_unknown() -> None:
    assert check(registered()).validity is Validity.UNKNOWN


def test_a_refused_final_read_is_no_read() -> None:
    built = all_but(registered(), skip=("final-local", "n2"))
    built.do("final-local", "svc", None, None, "fail", node="n2")
    assert check(built).validity is Validity.UNKNOWN


def test_a_local_read_that_lags_behind_proves_nothing_either_way() -> None:
    for lagging in ({}, {"10.0.0.1:80": "r1"}):
        built = all_but(registered(raft_index=1), skip=("final-local", "n2"))
        built.do("final-local", "svc", None, lagging, node="n2", raft_index=0)
        verdict = check(built)
        assert verdict.validity is Validity.UNKNOWN
        assert counts(verdict)["lost"] == 0


def test_local_reads_prove_nothing_if_an_acknowledgement_names_no_index() -> None:
    built = registered(raft_index=None)
    final_reads(built, {KEY: "r1"}, 1, services=("svc",))
    assert check(built).validity is Validity.UNKNOWN


def test_a_read_that_began_before_a_write_ended_does_not_count() -> None:
    built = HistoryBuilder()
    built.invoke(1, "register", KEY, "r1")
    final_reads(built, {}, 1, services=("svc",))
    built.ok(1, "r1", raft_index=1)
    assert check(built).validity is Validity.UNKNOWN
    final_reads(built, {KEY: "r1"}, 1, services=("svc",))
    assert check(built).validity is Validity.VALID


def test_an_id_registered_twice_is_unknown_not_valid() -> None:
    built = registered()
    built.do("register", KEY, "r1", "r1", raft_index=2)
    final_reads(built, {KEY: "r1"}, 2, services=("svc",))
    assert check(built).validity is Validity.UNKNOWN


def test_an_id_at_a_key_it_was_not_registered_for_is_invented() -> None:
    built = registered()
    built.do("register", OTHER, "r2", "r2", raft_index=2)
    final_reads(built, {KEY: "r2", OTHER: "r2"}, 2, services=("svc",))
    assert counts(check(built)) == {"lost": 1, "resurrected": 0, "failed but present": 0, "invented": 1}


def test_values_that_are_no_lists_are_unknown() -> None:
    built = all_but(registered(), skip=("final-local", "n2"))
    built.do("final-local", "svc", None, ["r1"], node="n2", raft_index=1)
    assert check(built).validity is Validity.UNKNOWN


def all_read() -> HistoryBuilder:
    built = registered()
    final_reads(built, {KEY: "r1"}, 1, services=("svc",))
    assert check(built).validity is Validity.VALID
    return built


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (("final-local", "svc", None, {"10.0.0.1:80": "r1"}), "does not name the node that was read"),
        (("final-list", "svc", None, ["r1"]), "does not answer with a list"),
        (("deregister", None, None, "r1"), "operations name no key"),
    ],
)
def test_one_operation_that_says_too_little_is_unknown_beside_all_that_should_be_read(
    beside: tuple[str, str | None, object, object], words: str
) -> None:
    built = all_read()
    built.do(*beside, raft_index=1)
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert words in verdict.summary


def test_a_recording_without_nodes_is_unknown() -> None:
    verdict = check(all_read(), nodes=())
    assert verdict.validity is Validity.UNKNOWN
    assert any("names no node" in evidence.text for evidence in verdict.evidence)


def test_an_acknowledgement_without_an_index_is_named() -> None:
    built = registered(raft_index=None)
    final_reads(built, {KEY: "r1"}, 1, services=("svc",))
    assert "was acknowledged without a Raft index" in check(built).summary


def test_ids_that_are_no_texts_are_unknown() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, 17, 17, raft_index=1)
    built.do("register", OTHER, "r2", "r2", raft_index=1)
    final_reads(built, {OTHER: "r2"}, 1, services=("svc",))
    assert check(built).validity is Validity.UNKNOWN


# ---- updates -----------------------------------------------------------------------------------------


def updated(result: object = "r2", type_: str = "ok") -> HistoryBuilder:
    built = registered()
    built.do("update", KEY, "r2", result, type_, raft_index=2 if type_ == "ok" else None)
    return built


def ends_with(built: HistoryBuilder, state: dict[str, str]) -> Verdict:
    final_reads(built, state, 9, services=("svc",))
    return check(built)


def kinds(verdict: Verdict) -> dict[str, int]:
    return {kind: count for kind, count in counts(verdict).items() if count}


def test_an_acknowledged_update_must_be_there_and_what_it_replaced_must_not() -> None:
    assert ends_with(updated(), {KEY: "r2"}).validity is Validity.VALID
    assert kinds(ends_with(updated(), {})) == {"lost": 1}
    old = ends_with(updated(), {KEY: "r1"})
    assert kinds(old) == {"lost": 1, "resurrected": 1}
    assert "updated svc/10.0.0.1:80 to r2" in old.evidence[0].text


def test_an_unacknowledged_update_may_have_happened_but_takes_nothing_away() -> None:
    for state in ("r1", "r2"):
        assert ends_with(updated(None, "info"), {KEY: state}).validity is Validity.VALID
    verdict = ends_with(updated(None, "info"), {})
    assert kinds(verdict) == {"lost": 1}
    assert "Every deregister of that key" in verdict.evidence[0].text


def test_an_update_that_was_refused_or_found_nothing_did_nothing() -> None:
    assert kinds(ends_with(updated(None, "fail"), {KEY: "r2"})) == {"lost": 1, "failed but present": 1}
    built = HistoryBuilder()
    built.do("update", KEY, "r2", False, raft_index=1)
    built.do("register", OTHER, "r3", "r3", raft_index=2)
    verdict = ends_with(built, {KEY: "r2", OTHER: "r3"})
    assert kinds(verdict) == {"failed but present": 1}
    assert "found nothing to update, by its reply" in verdict.evidence[0].text


def test_what_an_update_did_not_find_must_not_be_there_later() -> None:
    built = registered()
    built.do("deregister", KEY, None, None, "info")
    built.do("update", KEY, "r2", False, raft_index=3)
    verdict = ends_with(built, {KEY: "r1"})
    assert kinds(verdict) == {"resurrected": 1}
    assert "found nothing to update" in verdict.evidence[0].text


def test_an_update_without_an_answer_cannot_bring_back_what_was_removed() -> None:
    built = registered()
    update = built.invoke(7, "update", KEY, "r2")
    gone = built.do("deregister", KEY, None, "r1", raft_index=2)
    built.complete(7, "info")
    verdict = ends_with(built, {KEY: "r2"})
    assert kinds(verdict) == {"resurrected": 1}
    assert {update, gone - 1} <= set(verdict.evidence[0].operations)
    assert "From then on there was nothing to update." in verdict.evidence[0].text


def test_an_update_of_what_may_have_been_registered_later_may_be_there() -> None:
    built = registered()
    built.do("deregister", KEY, None, "r1", raft_index=2)
    built.do("register", KEY, "r2", None, "info")
    built.do("update", KEY, "r3", None, "info")
    assert ends_with(built, {KEY: "r3"}).validity is Validity.VALID


def test_an_update_where_nobody_registered_anything_must_not_be_there() -> None:
    built = registered()
    built.do("update", OTHER, "r2", None, "info")
    verdict = ends_with(built, {KEY: "r1", OTHER: "r2"})
    assert kinds(verdict) == {"resurrected": 1}
    assert "No registration of that key happened" in verdict.evidence[0].text


def test_of_two_registrations_at_once_one_must_be_there() -> None:
    built = HistoryBuilder()
    built.invoke(1, "register", KEY, "r1")
    built.invoke(2, "register", KEY, "r2")
    built.ok(1, "r1", raft_index=1)
    built.ok(2, "r2", raft_index=2)
    assert kinds(ends_with(built, {})) == {"lost": 1}


def test_operations_of_another_workload_are_unknown_since_they_may_write() -> None:
    built = registered()
    built.do("patch", KEY, "r2", "r2", raft_index=2)
    final_reads(built, {KEY: "r2"}, 2, services=("svc",))
    assert check(built).validity is Validity.UNKNOWN


def test_nothing_acknowledged_is_unknown() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", None, "fail")
    final_reads(built, {}, 1, services=("svc",))
    assert check(built).validity is Validity.UNKNOWN
    assert check(HistoryBuilder()).validity is Validity.UNKNOWN
