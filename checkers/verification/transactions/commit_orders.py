"""Rechecks orders of transactions by carrying them out, one after the other or each on its snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from checkers.verification.certificate import CertificateError, CommitOrder, SnapshotOrder
from checkers.verification.transactions.steps import Facts, Transaction

State = Mapping[str, tuple[str, ...]]
"""By key the elements of a list; of a register its one value."""


class Moments(NamedTuple):
    """The places in an order at which a transaction takes its snapshot and commits."""

    snapshot: int
    commit: int


def recheck_commit_order(facts: Facts, proof: CommitOrder, *, sessions: bool, real_time: bool) -> None:
    """Recheck that one transaction after the other reads what it did read.

    Args:
        facts: the transactions.
        proof: the order.
        sessions: whether the order must keep to that of each process.
        real_time: whether it must keep to real time.

    Raises:
        CertificateError: the order leaves a transaction out, contradicts time, or explains a read wrongly.
    """
    _complete(facts, proof.transactions)
    moments = {index: Moments(place, place) for place, index in enumerate(proof.transactions)}
    _timely(facts, moments, sessions=sessions, real_time=real_time)
    state: dict[str, tuple[str, ...]] = {}
    for index in proof.transactions:
        state |= _carried_out(facts, facts.named(index), state)


def recheck_snapshot_order(facts: Facts, proof: SnapshotOrder, *, sessions: bool, real_time: bool) -> None:
    """Recheck that each transaction reads from its snapshot, and that no two writers of a key overlap.

    Snapshot isolation as of Adya 1999, section 4.3; the arguments are those of `recheck_commit_order`.

    Raises:
        CertificateError: the order leaves a transaction out, contradicts time, or explains a read wrongly.
    """
    snapshots = {index: place for place, (what, index) in enumerate(proof.moments) if what == "snapshot"}
    commits = {index: place for place, (what, index) in enumerate(proof.moments) if what == "commit"}
    if len(snapshots) + len(commits) != len(proof.moments) or snapshots.keys() != commits.keys():
        raise CertificateError("each transaction takes one snapshot and commits once")
    _complete(facts, list(snapshots))
    moments = {index: Moments(snapshots[index], commits[index]) for index in snapshots}
    for index, (snapshot, commit) in moments.items():
        if snapshot > commit:
            raise CertificateError(f"transaction {index} commits before its snapshot")
    _timely(facts, moments, sessions=sessions, real_time=real_time)
    state: dict[str, tuple[str, ...]] = {}
    written: dict[str, int] = {}
    results: dict[int, State] = {}
    for place, (what, index) in enumerate(proof.moments):
        if what == "snapshot":
            results[index] = _carried_out(facts, facts.named(index), state)
            continue
        for key in results[index]:
            if written.get(key, -1) > snapshots[index]:
                raise CertificateError(f"transaction {index} writes {key}, which changed after its snapshot")
            written[key] = place
        state |= results.pop(index)


def _complete(facts: Facts, order: Sequence[int]) -> None:
    if len(set(order)) != len(order):
        raise CertificateError("the order names a transaction twice")
    placed = set(order)
    for index, transaction in facts.transactions.items():
        if transaction.ok and index not in placed:
            raise CertificateError(f"transaction {index} committed and is not in the order")
        if transaction.outcome == "fail" and index in placed:
            raise CertificateError(f"transaction {index} failed and is in the order")


def _timely(facts: Facts, moments: Mapping[int, Moments], *, sessions: bool, real_time: bool) -> None:
    """Recheck that what ended before, in a process or in real time, commits before the next snapshot."""
    placed = [facts.named(index) for index in moments]
    if sessions:
        latest: dict[int, int] = {}
        for transaction in sorted(placed, key=lambda one: one.begun):
            snapshot, commit = moments[transaction.begun]
            if snapshot < latest.get(transaction.process, -1):
                raise CertificateError(f"transaction {transaction.begun} is out of its process's order")
            if transaction.ok:  # what has no reply may take effect later than what its process did next
                latest[transaction.process] = max(commit, latest.get(transaction.process, -1))
    if real_time:
        _in_real_time(placed, moments)


def _in_real_time(placed: Iterable[Transaction], moments: Mapping[int, Moments]) -> None:
    events: list[tuple[int, bool, Transaction]] = []
    for transaction in placed:
        events.append((transaction.begun, True, transaction))
        if transaction.ok and transaction.ended is not None:
            events.append((transaction.ended, False, transaction))
    latest = -1
    for _, begins, transaction in sorted(events, key=lambda event: event[0]):
        snapshot, commit = moments[transaction.begun]
        if begins and snapshot < latest:
            raise CertificateError(f"transaction {transaction.begun} precedes one that ended before it began")
        if not begins:
            latest = max(latest, commit)


def _carried_out(facts: Facts, transaction: Transaction, state: State) -> State:
    """What a transaction writes when it begins in a state; its reads must be as they were."""
    initial = () if facts.initial is None else (facts.initial,)
    own: dict[str, tuple[str, ...]] = {}
    for step in transaction.steps:
        now = own.get(step.key, state.get(step.key, initial))
        if step.f == "append":
            own[step.key] = (*now, step.value)
        elif step.f == "w":
            own[step.key] = (step.value,)
        elif transaction.ok and now != step.shown:
            raise CertificateError(f"in this order transaction {transaction.begun} reads another {step.key}")
    return own
