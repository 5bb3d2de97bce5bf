"""The growing set: each element's fate against its definition, read by read."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.elements.set_full import SetFull
from history import History
from history.units import MILLISECOND_NS
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side


def grown(random: Random, steps: int = 60) -> HistoryBuilder:
    """A set under clients, read at the end."""
    held: set[int] = set()
    fresh = iter(range(steps))

    def invent() -> tuple[str, str | None, Any]:
        return ("read", None, None) if random.random() < 0.4 else ("add", None, next(fresh))

    def effect(f: str, _key: str | None, value: Any) -> Any:
        if f == "read":
            return sorted(held)
        held.add(value)
        return None

    built = side_by_side(random, steps, invent, effect)
    built.do("read", None, None, sorted(held))
    return built


def forget(random: Random, built: HistoryBuilder, element: int, *, share: float) -> None:
    """Have some of the reads that show an element not show it."""
    for at in replies(built, "read"):
        shown = built.operations[at].value
        if element in shown and random.random() < share:
            left = [value for value in shown if value != element]
            built.operations[at] = msgspec.structs.replace(built.operations[at], value=left)


def fates(history: History) -> dict[Any, tuple[str, float]]:
    """By element that may have been added: stable, stale, lost or never read; and how long, in ms."""
    reads = [(history.invocation(end), end) for end in history if end.f == "read" and end.type == "ok"]
    reads.sort(key=lambda read: read[0].index)
    found = {}
    for add in history:
        ended = history.completion(add) if add.type == "invoke" else None
        if add.f != "add" or add.type != "invoke" or (ended is not None and ended.type == "fail"):
            continue
        learnt = [end for _, end in reads if add.value in end.value]
        if ended is not None and ended.type == "ok":
            learnt.append(ended)
        known = min(learnt, key=lambda op: op.index, default=None)
        showing = [begun for begun, end in reads if add.value in end.value]
        missing = [begun for begun, end in reads if add.value not in end.value]
        if known is None:
            found[add.value] = "never read", 0.0
        elif showing and all(begun.index < showing[-1].index for begun in missing):
            late = [begun for begun in missing if begun.index > known.index]
            wait = late[-1].time - known.time if late else 0
            found[add.value] = "stale" if late else "stable", wait / MILLISECOND_NS
        elif missing and missing[-1].index > known.index:
            wait = showing[-1].time - known.time if showing else 0
            found[add.value] = "lost", max(wait, 0) / MILLISECOND_NS
        else:
            found[add.value] = "never read", 0.0
    return found


def test_a_set_that_keeps_its_elements_is_valid_and_linearizable() -> None:
    for seed in range(300):
        built = grown(Random(seed))
        for judge in (SetFull(), SetFull(linearizable=True)):
            verdict = judge.check(recording(built))
            assert verdict.validity is Validity.VALID, (seed, verdict)
            assert verdict.measures["stable_latency_ms"]["p100"] == 0


def test_every_element_has_the_fate_that_its_definition_says() -> None:
    said: Counter[str] = Counter()
    validities: Counter[Validity] = Counter()
    for seed in range(600):
        random = Random(seed)
        built = grown(random, 40)
        added = sorted({value for at in replies(built, "read") for value in built.operations[at].value})
        for element in random.sample(added, min(len(added), random.choice([0, 1, 3]))):
            forget(random, built, element, share=random.choice([0.1, 0.4, 1.0]))
        history = built.history()
        right = fates(history)
        counts = Counter(fate for fate, _ in right.values())
        verdict = SetFull().check(recording(history))
        measures = verdict.measures
        assert measures["stable"] == counts["stable"] + counts["stale"], seed
        for name in ("lost", "stale"):
            assert measures[name] == counts[name], (seed, name)
        assert measures["never_read"] == counts["never read"], seed
        for name, which in (("stable_latency_ms", ("stable", "stale")), ("lost_latency_ms", ("lost",))):
            worst = max((ms for fate, ms in right.values() if fate in which), default=None)
            assert measures[name].get("p100") == (None if worst is None else round(worst, 3)), (seed, name)
        lost = {repr(value) for value, (fate, _) in right.items() if fate == "lost"}
        assert {one.title.split()[0] for one in verdict.evidence} == lost
        linear = SetFull(linearizable=True).check(recording(history))
        assert (linear.validity is Validity.INVALID) == bool(counts["lost"] + counts["stale"])
        validities[verdict.validity] += 1
        said.update(counts)
    assert min(said.values()) > 100, said
    assert min(validities[Validity.VALID], validities[Validity.INVALID]) > 100, validities


def test_a_lost_element_is_told_with_who_added_it_who_saw_it_last_and_who_did_not() -> None:
    built = HistoryBuilder()
    built.do("add", "s", 1)
    built.do("read", "s", None, [1])
    built.do("read", "s", None, [])
    built.do("read", "s", None, [])
    (evidence,) = SetFull().check(recording(built)).evidence
    assert evidence.operations == (0, 2, 4)
    assert "operation 2 was the last to read it; operation 4 began after that" in evidence.text


def test_a_read_beside_the_addition_may_or_may_not_show_it() -> None:
    for shown in ([], [1]):
        built = HistoryBuilder()
        built.invoke(0, "add", None, 1)
        built.invoke(1, "read")
        built.ok(0)
        built.ok(1, shown)
        built.do("read", None, None, [1])
        assert SetFull(linearizable=True).check(recording(built)).validity is Validity.VALID


def test_what_nobody_added_or_stands_twice_is_blamed() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1)
    built.do("add", None, 2, None, "fail")
    built.do("read", None, None, [1, 1, 2, 3, 4])
    built.do("add", None, 4)
    built.do("read", None, None, [1, 4])
    verdict = SetFull().check(recording(built))
    assert verdict.validity is Validity.INVALID
    assert verdict.measures["unexpected"] == 3
    texts = " ".join(one.text for one in verdict.evidence)
    assert "read 2, but the only operation that tried to add it, 2, failed" in texts
    assert "read 3, which no client added" in texts
    assert "read 4, but the only operation that tried to add it, 6, began only after that" in texts
    assert "read 1 2 times" in texts


def test_an_element_that_was_added_again_is_known_from_the_first_reply() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1, None, "info")
    built.do("add", None, 1)
    built.do("read", None, None, [])
    (evidence,) = SetFull().check(recording(built)).evidence
    assert "which was acknowledged" in evidence.text


def test_keys_are_sets_of_their_own() -> None:
    built = HistoryBuilder()
    for key in ("x", "y"):
        built.do("add", key, key)
        built.do("read", key, None, [key])
    assert SetFull(linearizable=True).check(recording(built)).validity is Validity.VALID


def test_without_an_element_that_stays_nothing_is_shown() -> None:
    built = HistoryBuilder()
    built.do("read", None, None, [])
    built.do("add", None, 1)
    verdict = SetFull().check(recording(built))
    assert (verdict.validity, verdict.measures["never_read"]) == (Validity.UNKNOWN, 1)


def test_what_it_cannot_judge_is_refused_with_the_operation() -> None:
    for f, result, where in (("read", 7, 1), ("read", None, 1), ("remove", None, 0)):
        built = HistoryBuilder()
        built.do(f, None, None, result)
        with pytest.raises(IllegalOperation, match=f"operation {where}: "):
            SetFull().judge(recording(built))
