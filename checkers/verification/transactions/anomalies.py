"""Rechecks anomalies that a few transactions show by themselves, without any circle.

Adya 1999, chapter 4, for G1a and G1b; Kingsbury and Alvaro (VLDB 2020) for those of lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from checkers.verification.certificate import Anomaly, CertificateError
from checkers.verification.transactions.levels import LEVELS
from checkers.verification.transactions.steps import Facts, Step, Transaction, author_of, foreign_reads

EXCLUDED_FROM: Mapping[str, Sequence[str]] = {
    "duplicate-elements": LEVELS,
    "garbage-read": LEVELS[1:],
    "incompatible-order": LEVELS[1:],
    "G1a": LEVELS[1:],
    "G1b": LEVELS[1:],
    "lost-update": LEVELS[2:],
    "internal": LEVELS[1:],
    "non-repeatable-read": LEVELS[3:],
}
"""By anomaly the levels that exclude it."""


def recheck_anomaly(facts: Facts, proof: Anomaly, base: str) -> None:
    """Recheck an anomaly that needs no circle, and that the level excludes it.

    Raises:
        CertificateError: the transactions do not show it, or the level allows it.
    """
    if base not in EXCLUDED_FROM.get(proof.name, ()):
        raise CertificateError(f"{base} does not exclude {proof.name!r}")
    involved = [facts.named(index) for index in proof.transactions]
    reads = [(transaction, step) for transaction in involved for step in transaction.reads]
    if not _SHOWN[proof.name](facts, involved, reads):
        raise CertificateError(f"these transactions do not show {proof.name}")


_Reads = Sequence[tuple[Transaction, Step]]


def _values(facts: Facts, reads: _Reads) -> Iterator[tuple[Transaction, str, str]]:
    for reader, step in reads:
        for value in step.elements if facts.lists else (step.value,):
            if facts.lists or value != facts.initial:
                yield reader, step.key, value


def _duplicate(_facts: Facts, _involved: Sequence[Transaction], reads: _Reads) -> bool:
    return any(len(set(step.elements)) < len(step.elements) for _, step in reads)


def _garbage(facts: Facts, _involved: Sequence[Transaction], reads: _Reads) -> bool:
    return any(not facts.writers.get((key, value)) for _, key, value in _values(facts, reads))


def _incompatible(facts: Facts, involved: Sequence[Transaction], reads: _Reads) -> bool:
    """Two reads of which neither continues the other, or a read that breaks the order of one's appends."""
    return any(
        one.key == other.key and one.elements[: len(other.elements)] != other.elements[: len(one.elements)]
        for _, one in reads
        for _, other in reads
    ) or any(_torn(facts, author, write.key) for author in involved for write in author.writes)


def _torn(facts: Facts, author: Transaction, key: str) -> bool:
    """Whether some read shows an element without one that the same transaction had appended before it."""
    written = [write.value for write in author.writes if write.key == key]
    if any(author_of(facts, key, value) is not author for value in written):
        return False
    for shown in facts.shown.get(key, ()):
        places = [shown.index(value) if value in shown else len(shown) for value in written]
        if places != sorted(places):
            return True
    return False


def _aborted(facts: Facts, _involved: Sequence[Transaction], reads: _Reads) -> bool:
    return any(
        (writers := facts.writers.get((key, value), ())) and all(one.outcome == "fail" for one in writers)
        for _, key, value in _values(facts, reads)
    )


def _intermediate(facts: Facts, _involved: Sequence[Transaction], reads: _Reads) -> bool:
    """A read ends with a write that its transaction followed with another one of the same key."""
    for reader, step in reads:
        last = (step.elements[-1] if step.elements else None) if facts.lists else step.value
        author = None if last is None else author_of(facts, step.key, last)
        if author is None or author is reader:
            continue
        written = [write.value for write in author.writes if write.key == step.key]
        if written[-1] != last:
            return True
    return False


def _internal(facts: Facts, involved: Sequence[Transaction], _reads: _Reads) -> bool:
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
    shown = read.elements if facts.lists else (read.value,)

    def own(steps: Sequence[Step]) -> list[str]:
        return [step.value for step in steps if step.f != "r" and step.key == read.key]

    before, later = own(transaction.steps[:place]), own(transaction.steps[place:])
    last = before if facts.lists else before[-1:]  # what it appended before stands at the end of the list
    return list(shown[len(shown) - len(last) :]) != last or any(
        author_of(facts, read.key, value) is transaction for value in shown if value in later
    )


def _non_repeatable(facts: Facts, involved: Sequence[Transaction], _reads: _Reads) -> bool:
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
                shown = step.elements if facts.lists else (step.value,)
                if known.setdefault(step.key, shown) != shown:
                    return True
    return False


def _lost_update(facts: Facts, involved: Sequence[Transaction], _reads: _Reads) -> bool:
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
    return author_of(facts, read.key, read.value) is not None


_SHOWN: Mapping[str, Callable[[Facts, Sequence[Transaction], _Reads], bool]] = {
    "duplicate-elements": _duplicate,
    "garbage-read": _garbage,
    "incompatible-order": _incompatible,
    "G1a": _aborted,
    "G1b": _intermediate,
    "internal": _internal,
    "non-repeatable-read": _non_repeatable,
    "lost-update": _lost_update,
}
