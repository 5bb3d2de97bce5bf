"""What watches say of a run as it goes on, the checkers say of it, too; of correct runs they say nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from random import Random

import pytest
from msgspec.structs import replace

from checkers.check_all import check_all
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.models.model import Model
from checkers.verdict import Validity
from checkers.watching import HistoryWatch, Suspicion, keys
from checkers.watching.forgotten import ROOM_BYTES
from checkers.watching.indices import IndexWatch
from checkers.watching.keys import KEPT_KEYS, KeyWatch
from checkers.watching.raft import RaftWatch
from harness.mutants.catalogue import MUTANTS
from harness.run.watching.first_violation import WATCHED
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.seeds.hunting import options_for
from harness.workload import workload
from history import History, Operation, Recording, TraceEvent
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.models.small_histories import ALL_MODELS, linearizable, small_history
from tests.checkers.traces import ClusterBuilder, entry, healthy_cluster
from tests.checkers.verification.test_linearizability import recorded


def first(watch: HistoryWatch, operations: Sequence[Operation]) -> Suspicion | None:
    return next((found for one in operations if (found := watch.see(one)) is not None), None)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_a_key_is_suspected_exactly_if_it_has_no_order(model: Model) -> None:
    random, seen = Random(17), {True: 0, False: 0}
    for _ in range(200):
        part = small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]), most=6)
        history = recorded(part)
        suspected = first(KeyWatch(model), history) is not None
        in_flight = any(history.completion(op) is None for op in history if op.type == "invoke")
        if in_flight:  # a key with an operation in flight is not quiet, so nothing is said of its end
            assert not suspected or not linearizable(model, part)
            continue
        assert suspected is not linearizable(model, part)
        seen[suspected] += 1
    assert seen[False] > 10


def test_unknown_outcomes_may_take_effect_later() -> None:
    built = HistoryBuilder()
    built.do("write", "x", 1, type_="info")
    built.do("read", "x", None, None)
    built.do("read", "x", None, 1)
    built.do("read", "x", None, 1)
    assert first(KeyWatch(MODELS["register"]), built.operations) is None
    built.do("read", "x", None, None)
    found = first(KeyWatch(MODELS["register"]), built.operations)
    assert found is not None
    assert found.checker == "linearizability"


def test_a_key_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "MOST_STEPS", 3)
    watch = KeyWatch(MODELS["register"])
    built = HistoryBuilder()
    for process in range(5):
        built.invoke(process, "write", "x", process)
    for process in range(5):
        built.ok(process)
    built.do("read", "x", None, 77)
    assert first(watch, built.operations) is None
    assert watch.given_up == 1


def test_memory_is_bounded_by_what_is_in_flight_and_the_keys() -> None:
    watch, indices = KeyWatch(MODELS["registry"]), IndexWatch()
    built = HistoryBuilder()
    for number in range(3000):
        built.do("register", "web/1", f"r{number}", raft_index=number + 1)
        if number % 10 == 0:
            built.do("list", "web", None, {"1": f"r{number}"}, raft_index=number + 1)
    for operation in built.operations:
        assert watch.see(operation) is None
        assert indices.see(operation) is None
    assert len(watch._keys["web/1"].possible) == 1
    assert len(indices._services["web"].held["web/1"]) <= 3
    assert indices.lists_compared == 300


INDICES = {
    "an index that goes back": (("register", "web/1", "a", 5), ("register", "web/1", "b", 4)),
    "two writes at one index": (("register", "web/1", "a", 5), ("register", "web/2", "b", 5)),
    "a read below what was shown": (("register", "web/1", "a", 5), ("lookup", "web/1", None, 4)),
}


@pytest.mark.parametrize("case", INDICES)
def test_indices_that_contradict_real_time_are_suspected(case: str) -> None:
    built = HistoryBuilder()
    for f, key, value, index in INDICES[case]:
        built.do(f, key, value, raft_index=index)
    found = first(IndexWatch(), built.operations)
    assert found is not None
    assert found.checker == "index-honesty"


def test_a_list_is_compared_once_the_writes_below_it_are_known() -> None:
    built = HistoryBuilder()
    built.invoke(1, "register", "web/1", "a")
    built.invoke(2, "register", "web/2", "b")
    built.ok(1, raft_index=1)
    built.invoke(3, "list", "web")
    built.ok(3, {"1": "a", "2": "b"}, raft_index=2)
    built.ok(2, raft_index=2)
    watch = IndexWatch()
    assert first(watch, built.operations) is None
    assert watch.lists_compared == 1
    built.do("list", "web", None, {"1": "a"}, raft_index=2)
    found = first(IndexWatch(), built.operations)
    assert found is not None
    assert "shows nothing at web/2, which held b at index 2" in found.why


def test_a_write_of_unknown_outcome_leaves_its_service_s_lists_to_the_checkers() -> None:
    built = HistoryBuilder()
    built.do("register", "web/1", "a", type_="info")
    built.do("list", "web", None, {"1": "a"}, raft_index=2)
    watch = IndexWatch()
    assert first(watch, built.operations) is None
    assert watch.lists_compared == 0


def in_time(recorded_run: Recording) -> Iterator[TraceEvent]:
    events = [event for trace in recorded_run.traces.values() for event in trace.events]
    yield from sorted(events, key=lambda event: event.at)


def suspicions(cluster: ClusterBuilder) -> list[str]:
    watch = RaftWatch()
    recorded_run = recording(traces=cluster.build())
    return [found.checker for event in in_time(recorded_run) if (found := watch.see(event)) is not None]


def test_a_healthy_cluster_is_not_suspected() -> None:
    assert suspicions(healthy_cluster()) == []


def test_what_contradicts_raft_is_suspected() -> None:
    cluster = healthy_cluster()
    node = cluster["n2"]
    node.append(entry(len(node.log) + 1, node.term, "other"))
    cluster["n3"].append(entry(len(node.log), node.term, "mine"))
    assert "log-matching" in suspicions(cluster)


@pytest.mark.parametrize("received", [True, False])
def test_a_term_binds_a_node_once_another_one_knows_of_it(received: bool) -> None:
    cluster = healthy_cluster()
    node = cluster["n2"].enter(9)
    node.send(cluster["n3"], "RequestVote", received=received)
    node.restart(term=8)
    assert suspicions(cluster) == (["term-monotonic"] if received else [])


@pytest.mark.parametrize("is_synced", [False, True])
def test_a_vote_binds_the_next_life_only_once_it_was_on_the_disk(is_synced: bool) -> None:
    cluster = ClusterBuilder()
    node = cluster["n2"].enter(8).vote_for("n2")
    if is_synced:
        node.synced()
    node.restart(term=8 if is_synced else 1, vote=None)
    (node if is_synced else node.enter(8)).vote_for("n1")
    assert suspicions(cluster) == (["one-vote-a-term"] if is_synced else [])


def test_correct_simulated_runs_are_not_suspected() -> None:
    lists = judged = 0
    for seed in (5, 6, 11, 991_003, 991_004):
        recorded_run = run(plan_of(seed, SeedOptions())).recording()
        watch, indices, raft = KeyWatch(MODELS["registry"]), IndexWatch(), RaftWatch()
        assert first(watch, recorded_run.history) is None
        assert first(indices, recorded_run.history) is None
        assert all(raft.see(event) is None for event in in_time(recorded_run))
        lists, judged = lists + indices.lists_compared, judged + watch.judged
    assert lists > 30
    assert judged > 200


def stopped_early(mutant: str, seed: int) -> tuple[int, int] | None:
    """After how many of how many operations a run with a seeded bug would be stopped; None if it is not.

    The checkers must find a violation in what was recorded up to there, and in the whole run.
    """
    plan = plan_of(seed, options_for(mutant))
    recorded_run = run(plan).recording()
    work = workload(plan.test.workload, plan.test.nodes, plan.test.concurrency)
    raft, watches = RaftWatch(), work.watches()
    events = in_time(recorded_run)
    due = next(events, None)
    seen: list[TraceEvent] = []
    suites = [checker for checker in work.checkers if checker.name in WATCHED]
    not_before = 0
    for place, operation in enumerate(recorded_run.history, start=1):
        found: Suspicion | None = None
        while due is not None and due.at <= operation.time:
            seen.append(due)
            found = found or raft.see(due)
            due = next(events, None)
        for watch in watches:
            found = found or watch.see(operation)
        if found is None or place < not_before:
            continue
        not_before = place + max(200, place)  # a look costs as much as the run is long
        beginning = _beginning(recorded_run, place, seen)
        if any(verdict.validity is Validity.INVALID for verdict in check_all(suites, beginning)):
            whole = check_all(suites, recorded_run)
            assert any(verdict.validity is Validity.INVALID for verdict in whole), (mutant, found)
            return place, len(recorded_run.history)
    return None


def _beginning(recorded_run: Recording, operations: int, events: Sequence[TraceEvent]) -> Recording:
    """What was recorded when that many operations had been recorded."""
    traces = {
        node: replace(trace, events=tuple(event for event in events if event.node == node))
        for node, trace in recorded_run.traces.items()
    }
    return replace(recorded_run, history=History(recorded_run.history[:operations]), traces=traces)


@pytest.mark.parametrize(("mutant", "seed"), [("acknowledge-early", 0), ("vote-twice", 0)])
def test_a_run_with_a_seeded_bug_is_stopped_early_with_a_violation(mutant: str, seed: int) -> None:
    stopped = stopped_early(mutant, seed)
    assert stopped is not None
    assert stopped[0] < stopped[1] / 2


@pytest.mark.campaign
def test_seeded_bugs_are_stopped_early_or_left_to_the_end() -> None:
    """Every seeded bug at the seed that shows it: nothing is stopped that the whole run does not condemn."""
    stopped = {mutant.name: stopped_early(mutant.name, mutant.seed) for mutant in MUTANTS.values()}
    early = {name: found for name, found in stopped.items() if found is not None}
    assert len(early) > len(stopped) / 3, early


def register_history(keys: Iterable[str]) -> History:
    """A write and a read of each of these keys; every read is right."""
    rows = []
    for key in keys:
        for f, asked, answered in (("write", key, None), ("read", None, key)):
            rows += [("invoke", f, key, asked), ("ok", f, key, answered)]
    return History(
        Operation(place, place, 0, type_, f, key, value)  # type: ignore[arg-type]  # `type_` is one of the two above
        for place, (type_, f, key, value) in enumerate(rows)
    )


def test_a_long_run_is_watched_in_bounded_memory_and_no_key_is_new_twice() -> None:
    watch, keys = KeyWatch(MODELS["register"]), [f"k{number}" for number in range(KEPT_KEYS + 50)]
    tracemalloc.start()
    assert first(watch, register_history(keys[:KEPT_KEYS])) is None
    before, _ = tracemalloc.get_traced_memory()
    assert first(watch, register_history(keys[KEPT_KEYS:])) is None
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < ROOM_BYTES + 64 * 1024
    # The first key holds what was written. To a watch that took it for new, it would hold nothing.
    late = [Operation(0, 0, 0, "invoke", "read", "k0"), Operation(1, 1, 0, "ok", "read", "k0", "k0")]
    assert first(watch, History(late)) is None
    kept = [
        Operation(0, 0, 0, "invoke", "read", keys[-1]),
        Operation(1, 1, 0, "ok", "read", keys[-1], "other"),
    ]
    assert first(watch, History(kept)) is not None


@pytest.mark.parametrize("seed", range(40))
def test_what_is_wrong_with_a_beginning_is_wrong_with_the_whole_history(seed: int) -> None:
    random = Random(seed)
    model = random.choice(ALL_MODELS)
    kind = random.choice(("correct", "mutated", "arbitrary"))
    history = recorded(small_history(model, random, kind=kind, most=7))
    verdicts = [
        LinearizabilityOf(model).check(Recording(nodes=(), history=History(history[:length]))).validity
        for length in range(len(history) + 1)
    ]
    first_bad = verdicts.index(Validity.INVALID) if Validity.INVALID in verdicts else len(verdicts)
    assert all(verdict is Validity.INVALID for verdict in verdicts[first_bad:]), (model.name, verdicts)


def test_any_beginning_of_a_linearizable_history_is_linearizable_and_not_suspected() -> None:
    random = Random(18)
    for _ in range(60):
        model = random.choice(ALL_MODELS)
        history = recorded(small_history(model, random, kind="correct", most=7))
        beginning = History(history[: random.randrange(len(history) + 1)])
        verdict = LinearizabilityOf(model).check(Recording(nodes=(), history=beginning))
        assert verdict.validity is not Validity.INVALID
        assert first(KeyWatch(model), beginning) is None
