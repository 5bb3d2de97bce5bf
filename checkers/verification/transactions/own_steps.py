"""Anomalies of what transactions do themselves: reads that contradict their own steps, and lost updates.

Kingsbury and Alvaro (VLDB 2020) for the first two; Adya 1999, section 4.3, for lost updates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkers.verification.transactions.anomalies import Kind
from checkers.verification.transactions.levels import LEVELS
from checkers.verification.transactions.steps import Facts, Step, Transaction, foreign_reads


def _internal(facts: Facts, involved: Sequence[Transaction]) -> bool:
    """A transaction does not read what it wrote itself before, or reads what it writes only later."""
    return any(
        _contradicts_itself(facts, transaction, place)
        for transaction in involved
        if transaction.ok
        for place, step in enumerate(transaction.steps)
        if step.f == "r"
    )


def _contradicts_itself(facts: Facts, transaction: Transaction, place: int) -> bool:
    read = transaction.steps[place]
    shown = read.shown

    def own(steps: Sequence[Step]) -> list[str]:
        return [step.value for step in steps if step.f != "r" and step.key == read.key]

    before, later = own(transaction.steps[:place]), own(transaction.steps[place:])
    last = before if facts.lists else before[-1:]  # what it appended before stands at the end of the list
    return list(shown[len(shown) - len(last) :]) != last or any(
        facts.author_of(read.key, value) is transaction for value in shown if value in later
    )


def _non_repeatable(_facts: Facts, involved: Sequence[Transaction]) -> bool:
    """A transaction reads one key twice, with nothing but its own writes between, and sees another state."""
    for transaction in involved:
        known: dict[str, tuple[str, ...]] = {}
        for step in transaction.steps if transaction.ok else ():
            if step.f == "w":
                known[step.key] = (step.value,)
            elif step.f == "append":
                if step.key in known:
                    known[step.key] = (*known[step.key], step.value)
            else:
                if known.setdefault(step.key, step.shown) != step.shown:
                    return True
    return False


def _lost_update(facts: Facts, involved: Sequence[Transaction]) -> bool:
    """Two committed transactions read the same state of a key, and each then wrote it."""
    seen: dict[tuple[str, str], Transaction] = {}
    for transaction in involved:
        for step in foreign_reads(facts, transaction):
            first = not any(
                earlier.key == step.key for earlier in transaction.steps[: transaction.steps.index(step)]
            )
            wrote = any(write.key == step.key for write in transaction.writes)
            if not first or not wrote or not _one_state(facts, step):
                continue
            if seen.setdefault((step.key, step.value), transaction) is not transaction:
                return True
    return False


def _one_state(facts: Facts, read: Step) -> bool:
    """Whether a key was only once in the state that a read shows: lists grow, registers may go back."""
    if facts.lists:
        return True
    if read.value == facts.initial:
        return not facts.writers.get((read.key, read.value))
    return facts.author_of(read.key, read.value) is not None


KINDS: Mapping[str, Kind] = {
    "internal": Kind(LEVELS[1:], _internal),
    "lost-update": Kind(LEVELS[2:], _lost_update),
    "non-repeatable-read": Kind(LEVELS[3:], _non_repeatable),
}
"""By name."""
