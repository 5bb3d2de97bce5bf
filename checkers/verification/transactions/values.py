"""Anomalies of the values that reads show: values that nothing wrote, or that they must not show.

Adya 1999, chapter 4, for G1a and G1b; Kingsbury and Alvaro (VLDB 2020) for those of lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from checkers.verification.transactions.anomalies import Kind
from checkers.verification.transactions.levels import LEVELS
from checkers.verification.transactions.steps import Facts, Step, Transaction


def _reads(involved: Sequence[Transaction]) -> Iterator[tuple[Transaction, Step]]:
    return ((transaction, step) for transaction in involved for step in transaction.reads)


def _values(facts: Facts, involved: Sequence[Transaction]) -> Iterator[tuple[str, str]]:
    for _, step in _reads(involved):
        yield from ((step.key, value) for value in step.shown if value != facts.initial)


def _duplicate(_facts: Facts, involved: Sequence[Transaction]) -> bool:
    return any(len(set(step.shown)) < len(step.shown) for _, step in _reads(involved))


def _garbage(facts: Facts, involved: Sequence[Transaction]) -> bool:
    return any(one not in facts.writers for one in _values(facts, involved))


def _incompatible(facts: Facts, involved: Sequence[Transaction]) -> bool:
    """Two reads of which neither continues the other, or a read that breaks the order of one's appends."""
    return facts.lists and (
        any(
            one.key == other.key and one.shown[: len(other.shown)] != other.shown[: len(one.shown)]
            for _, one in _reads(involved)
            for _, other in _reads(involved)
        )
        or any(_torn(facts, author, write.key) for author in involved for write in author.writes)
    )


def _torn(facts: Facts, author: Transaction, key: str) -> bool:
    """Whether some read shows an element without one that the same transaction had appended before it."""
    written = [write.value for write in author.writes if write.key == key]
    if any(facts.author_of(key, value) is not author for value in written):
        return False
    for shown in facts.shown.get(key, ()):
        places = [shown.index(value) if value in shown else len(shown) for value in written]
        if places != sorted(places):
            return True
    return False


def _aborted(facts: Facts, involved: Sequence[Transaction]) -> bool:
    return any(
        (writers := facts.writers.get(one, ())) and all(writer.outcome == "fail" for writer in writers)
        for one in _values(facts, involved)
    )


def _intermediate(facts: Facts, involved: Sequence[Transaction]) -> bool:
    """A read ends with a write that its transaction followed with another one of the same key."""
    for reader, step in _reads(involved):
        author = facts.author_of(step.key, step.shown[-1]) if step.shown else None
        if author is None or author is reader:
            continue
        if [write.value for write in author.writes if write.key == step.key][-1] != step.shown[-1]:
            return True
    return False


KINDS: Mapping[str, Kind] = {
    "duplicate-elements": Kind(LEVELS, _duplicate),
    "garbage-read": Kind(LEVELS[1:], _garbage),
    "incompatible-order": Kind(LEVELS[1:], _incompatible),
    "G1a": Kind(LEVELS[1:], _aborted),
    "G1b": Kind(LEVELS[1:], _intermediate),
}
"""By name; read uncommitted excludes the first of them, too."""
