"""Stale reads: held against the states that there were, and their age against a slow reckoning."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from checkers.registry.staleness import BoundedStaleness, lags_of
from checkers.verdict import Unjudged, Validity, Verdict
from history import History, Operation
from history.units import MILLISECOND_NS, SECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

A, B = "svc/10.0.0.1:80", "svc/10.0.0.2:80"
INSTANCES = {A: "10.0.0.1:80", B: "10.0.0.2:80"}


def stale_history(random: Random, steps: int) -> tuple[HistoryBuilder, list[dict[str, str]]]:
    """Writes one after the other, and overlapping stale reads of any state there was; all states by index."""
    built = HistoryBuilder()
    states: list[dict[str, str]] = [{}]
    pending: dict[int, tuple[str, str, int]] = {}
    for number in range(steps):
        process = random.randrange(4)
        if process in pending:
            f, key, index = pending.pop(process)
            state = states[index]
            shown = {INSTANCES[k]: v for k, v in state.items()}
            built.ok(process, state.get(key) if f == "stale-lookup" else shown, raft_index=index)
        elif random.random() < 0.5:
            key = random.choice([A, B])
            after = dict(states[-1])
            if random.random() < 0.2:
                found = key in after
                if found:
                    after[key] = f"r{number}"
                states.append(after)
                built.do(
                    "update", key, f"r{number}", f"r{number}" if found else False, raft_index=len(states) - 1
                )
            elif random.random() < 0.7:
                after[key] = f"r{number}"
                states.append(after)
                built.do("register", key, f"r{number}", f"r{number}", raft_index=len(states) - 1)
            else:
                held = after.pop(key, None)
                states.append(after)
                built.do("deregister", key, None, held, raft_index=len(states) - 1)
        else:
            f, key = random.choice([("stale-lookup", A), ("stale-lookup", B), ("stale-list", "svc")])
            built.invoke(process, f, key)
            pending[process] = (f, key, random.randrange(len(states)))
    return built, states


def check(history: History | HistoryBuilder, **options: object) -> Verdict:
    return BoundedStaleness().check(recording(history, options=options))


def slowly(history: History) -> list[tuple[int, int]]:
    """By stale read (indices, nanoseconds) behind, by the definition."""
    found = []
    for end in history:
        if end.type == "ok" and end.f.startswith("stale"):
            begun = history.invocation(end)
            told = [op for op in history if op.type == "ok" and op.index < begun.index]
            more = [op for op in told if (op.raft_index or 0) > (end.raft_index or 0)]
            indices = max((op.raft_index or 0) for op in more) - (end.raft_index or 0) if more else 0
            found.append((indices, begun.time - more[0].time if more else 0))
    return found


def test_the_age_of_stale_reads_is_what_the_definition_says() -> None:
    behind = 0
    for seed in range(300):
        history = stale_history(Random(seed), 40)[0].history()
        lags = lags_of(history)
        told = list(zip(lags.indices.tolist(), lags.nanoseconds.tolist(), strict=True))
        assert told == slowly(history), seed
        behind += sum(indices > 0 for indices, _ in told)
    assert behind > 500


def test_a_read_of_what_was_is_valid_and_of_what_was_not_is_not() -> None:
    said = {Validity.VALID: 0, Validity.INVALID: 0}
    for seed in range(1500):
        random = Random(seed)
        built, states = stale_history(random, 30)
        operations = list(built.operations)
        reads = [op for op in operations if op.type == "ok" and op.f.startswith("stale")]
        if not reads:
            continue
        victim = random.choice(reads)
        other = random.choice(reads)
        if other.f == victim.f:
            operations[victim.index] = msgspec.structs.replace(victim, value=other.value)
        honest = all(_is_what_was(op, states) for op in operations if op.index in {r.index for r in reads})
        verdict = check(History(operations), stale_bound_indices=len(operations))
        assert (verdict.validity is Validity.VALID) == honest, (seed, verdict)
        said[verdict.validity] += 1
    assert min(said.values()) > 200, said


def _is_what_was(read: Operation, states: list[dict[str, str]]) -> bool:
    state = states[read.raft_index or 0]
    if read.f == "stale-lookup":
        return bool(read.value == state.get(str(read.key)))
    return bool(read.value == {INSTANCES[key]: id_ for key, id_ in state.items()})


def one_behind() -> HistoryBuilder:
    """A read that shows a1 at 1, begun 50 ms after a2 at 2 was acknowledged."""
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    built.do("register", A, "a2", "a2", raft_index=2)
    built.wait(49)
    built.do("stale-lookup", A, None, "a1", raft_index=1)
    return built


def test_without_a_bound_age_is_measured_and_no_bound_was_exercised() -> None:
    verdict = check(one_behind())
    assert verdict.mark is Unjudged.NOT_EXERCISED
    assert verdict.measures["behind"]["indices"]["max"] == 1
    assert verdict.measures["behind"]["seconds"]["max"] == pytest.approx(50 * MILLISECOND_NS / SECOND_NS)
    assert any("measured and not judged" in caveat for caveat in verdict.caveats)


@pytest.mark.parametrize(
    ("option", "bound", "validity"),
    [
        ("stale_bound_indices", 1, Validity.VALID),
        ("stale_bound_indices", 0, Validity.INVALID),
        ("stale_bound_s", 0.05, Validity.VALID),
        ("stale_bound_s", 0.049, Validity.INVALID),
    ],
)
def test_a_stated_bound_is_judged(option: str, bound: float, validity: Validity) -> None:
    assert check(one_behind(), **{option: bound}).validity is validity


def test_what_was_never_there_is_named_so() -> None:
    built = one_behind()
    built.do("stale-list", "svc", None, {"10.0.0.1:80": "a9"}, raft_index=2)
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    assert "it never held that" in verdict.summary


def test_a_write_of_unknown_outcome_is_held_against_nobody() -> None:
    built = one_behind()
    built.do("deregister", A, None, None, "info")
    built.do("stale-lookup", A, None, None, raft_index=3)
    assert check(built, stale_bound_indices=2).validity is Validity.VALID


def test_no_stale_read_shows_nothing() -> None:
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", raft_index=1)
    assert check(built).validity is Validity.UNKNOWN
