"""Rechecks circles of dependencies between transactions.

Each edge is justified by the history alone. Adya 1999, section 4.4.2, says what makes an edge, and chapter 4
which circles a level excludes; Cerone and Gotsman (J. ACM 65, 2018) say it of snapshot isolation.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkers.verification.certificate import CertificateError, Dependencies, Edge
from checkers.verification.transactions.steps import Facts, Step, Transaction, foreign_reads


def recheck_dependencies(
    facts: Facts, proof: Dependencies, base: str, *, sessions: bool, real_time: bool
) -> None:
    """Recheck that the edges are those of the history, close a circle, and that the level excludes it.

    Args:
        facts: the transactions.
        proof: the circle.
        base: the level without what is said of sessions and real time, such as `serializable`.
        sessions: whether the order of each process counts.
        real_time: whether real time counts.

    Raises:
        CertificateError: one of that does not hold.
    """
    edges = proof.edges
    for edge, following in zip(edges, [*edges[1:], *edges[:1]], strict=True):
        if edge.target != following.source:
            raise CertificateError(f"the circle is open after transaction {edge.target}")
        if edge.source == edge.target:
            raise CertificateError(f"an edge from transaction {edge.source} to itself")
        _recheck_edge(facts, edge, sessions=sessions or real_time, real_time=real_time)
        if facts.lists and base == "read-uncommitted":
            _recheck_installed(facts, edge)
    kinds = [edge.reason for edge in edges]
    if not kinds or not _excluded(kinds, base):
        raise CertificateError(f"{base} does not exclude a circle of {', '.join(kinds) or 'no edges'}")


def _excluded(kinds: Sequence[str], base: str) -> bool:
    missed = kinds.count("rw")
    in_a_row = any(a == b == "rw" for a, b in zip(kinds, [*kinds[1:], kinds[0]], strict=True))
    match base:
        case "read-uncommitted":
            return not missed and "wr" not in kinds
        case "read-committed" | "cursor-stability":
            return not missed
        case "consistent-view":
            return missed <= 1
        case "snapshot-isolation":
            return not in_a_row
    return base in ("repeatable-read", "serializable")


def _recheck_edge(facts: Facts, edge: Edge, *, sessions: bool, real_time: bool) -> None:
    source, target = facts.named(edge.source), facts.named(edge.target)
    match edge.reason:
        case "process":
            holds = (
                sessions and source.ok and source.process == target.process and source.begun < target.begun
            )
        case "real time":
            ended = source.ended if source.ok else None
            holds = real_time and ended is not None and ended < target.begun
        case "wr":
            holds = any(_reads_from(facts, step, source) for step in foreign_reads(facts, target))
        case "ww":
            holds = _overwrites(facts, source, target)
        case "rw":
            holds = any(_misses(facts, step, target) for step in foreign_reads(facts, source))
        case _:
            holds = False
    if not holds or target.begun not in facts.happened:
        raise CertificateError(
            f"nothing shows that transaction {edge.source} precedes {edge.target} by {edge.reason}"
        )


def _recheck_installed(facts: Facts, edge: Edge) -> None:
    """Recheck an edge where reads may show anything: both certainly committed, and a write dependency is one
    between the last appends of both to a key whose reads all agree (Adya 1999, section 4.2.1)."""
    source, target = facts.named(edge.source), facts.named(edge.target)
    if not source.ok or not target.ok:
        raise CertificateError(f"transactions {edge.source} and {edge.target} did not both certainly commit")
    if edge.reason == "ww" and not any(
        _installed_before(facts, source, target, key) for key in {write.key for write in source.writes}
    ):
        raise CertificateError(f"no key shows the last appends of {edge.source} and {edge.target} in order")


def _installed_before(facts: Facts, source: Transaction, target: Transaction, key: str) -> bool:
    lists = sorted(facts.shown.get(key, ()), key=len)
    longest = lists[-1] if lists else ()
    first, then = _last(source, key), _last(target, key)
    if then is None or first not in longest or any(one != longest[: len(one)] for one in lists):
        return False
    return then not in longest or longest.index(first) < longest.index(then)


def _last(transaction: Transaction, key: str) -> str | None:
    return next((write.value for write in reversed(transaction.writes) if write.key == key), None)


def _reads_from(facts: Facts, read: Step, source: Transaction) -> bool:
    return any(facts.author_of(read.key, value) is source for value in read.shown)


def _overwrites(facts: Facts, source: Transaction, target: Transaction, key: str | None = None) -> bool:
    """Whether some write of the target, to that key if one is given, certainly comes after the source's."""
    writes = [write for write in target.writes if key in (None, write.key)]
    if not facts.lists:
        return any(
            step.key == write.key and _reads_from(facts, step, source)
            for step in foreign_reads(facts, target)
            for write in writes
        )
    for write in writes:
        if facts.author_of(write.key, write.value) is not target:
            continue
        for shown in facts.shown.get(write.key, ()):
            before = shown[: shown.index(write.value)] if write.value in shown else shown
            if any(facts.author_of(write.key, value) is source for value in before):
                return True
    return False


def _misses(facts: Facts, read: Step, target: Transaction) -> bool:
    """Whether a read shows a state before some write of the target."""
    for write in target.writes:
        if write.key != read.key or facts.author_of(write.key, write.value) is not target:
            continue
        if facts.lists:
            if write.value not in read.shown:
                return True
        elif read.value == facts.initial and not facts.writers.get((read.key, facts.initial)):
            return True
        else:
            author = facts.author_of(read.key, read.value)
            if author is None or author is target:
                continue
            if _overwrites(facts, author, target, read.key):
                return True
    return False
