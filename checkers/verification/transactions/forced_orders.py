"""Rechecks refutations of register transactions by orders that must hold.

A history of registers does not say in which order two transactions wrote a key. Two rules do (Papadimitriou,
J. ACM 26, 1979; for snapshots Berenson et al., SIGMOD 1995): no write stands between a write and a read that
saw it, and under snapshot isolation two writers of a key do not overlap. Each step keeps a rule in the only
way that closes no circle with the orders before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checkers.verification.certificate import CertificateError, ForcedOrders, Link, Point, Refuted, Rule, Step
from checkers.verification.transactions.steps import Facts, Transaction

COMMIT, SNAPSHOT = "commit", "snapshot"
Order = tuple[Point, Point]


def recheck_forced_orders(
    facts: Facts, proof: ForcedOrders, *, snapshots: bool, sessions: bool, real_time: bool
) -> None:
    """Recheck every step, and that the last rule cannot be kept or the last circle is closed.

    Args:
        facts: the transactions; they write registers.
        proof: the steps.
        snapshots: whether a transaction reads at one moment and writes at a later one; else it is one moment.
        sessions: whether the order of each process counts.
        real_time: whether real time counts.

    Raises:
        CertificateError: a step does not hold, or they contradict nothing.
    """
    if facts.lists:
        raise CertificateError("forced orders prove nothing about lists")
    checking = _Checking(facts, snapshots=snapshots, sessions=sessions, real_time=real_time)
    for step in proof.steps:
        checking.take(step)
    if proof.rule is not None:
        checking.cannot_keep(proof.rule, proof.refuted, kept=None)
    else:
        first = proof.circle[0].before if proof.circle else None
        if first is None or checking.end_of(first, proof.circle) != checking.point(first):
            raise CertificateError("the last circle is open")


@dataclass
class _Checking:
    """The orders that were shown so far."""

    facts: Facts
    snapshots: bool
    sessions: bool
    real_time: bool
    shown: list[Order] = field(default_factory=list)

    def point(self, point: Point) -> Point:
        """A point; where transactions are serial, each has only one."""
        what, transaction = point
        self.facts.named(transaction)
        if what not in (COMMIT, SNAPSHOT) or transaction not in self.facts.happened:
            raise CertificateError(f"no point {what} of transaction {transaction}")
        return (what if self.snapshots else COMMIT, transaction)

    def order(self, before: Point, after: Point) -> Order:
        """An order of two points."""
        return self.point(before), self.point(after)

    def take(self, step: Step) -> None:
        """Recheck a step, and count its order as shown."""
        order = self.order(step.before, step.after)
        self.cannot_keep(step.rule, step.refuted, kept=order)
        self.shown.append(order)

    def cannot_keep(self, rule: Rule, refuted: Sequence[Refuted], *, kept: Order | None) -> None:
        """Recheck that every way to keep a rule, but the one that is kept, closes a circle."""
        ways = self._ways(rule)
        for one in refuted:
            if self.end_of(one.after, one.circle) != self.point(one.before):
                raise CertificateError(f"the circle through {one.before} and {one.after} is open")
        impossible = {self.order(one.before, one.after) for one in refuted}
        left = [way for way in ways if not impossible & way]
        if left != [way for way in ways if kept in way]:
            raise CertificateError(f"a rule about {rule.key} can be kept in another way")
        if kept is not None and not left:
            raise CertificateError(f"a rule about {rule.key} does not say {kept[0]} before {kept[1]}")

    def _ways(self, rule: Rule) -> list[frozenset[Order]]:
        """The ways to keep a rule, each as the orders that say it."""
        other = self._writer(rule.other, rule.key)
        if rule.author is None:
            return [frozenset({self._before_other(rule, None)})]
        author = self._writer(rule.author, rule.key)
        if author is other:
            raise CertificateError(f"a rule about transaction {rule.other} and itself")
        earlier = self.order((COMMIT, rule.other), (SNAPSHOT, rule.author))
        if rule.reader is None:
            later = self.order((COMMIT, rule.author), (SNAPSHOT, rule.other))
            return [frozenset({earlier}), frozenset({later})]
        # Two writers of a key do not overlap, so these say the same.
        same = self.order((COMMIT, rule.other), (COMMIT, rule.author))
        return [frozenset({earlier, same}), frozenset({self._before_other(rule, author)})]

    def _writer(self, index: int, key: str) -> Transaction:
        writer = self.facts.named(index)
        if not any(step.key == key for step in writer.writes):
            raise CertificateError(f"transaction {index} does not write {key}")
        return writer

    def _before_other(self, rule: Rule, author: Transaction | None) -> Order:
        """The reader before the other writer; its first step on the key must show the author's last write."""
        reader = self.facts.named(rule.reader if rule.reader is not None else -1)
        first = next((step for step in reader.steps if step.key == rule.key), None)
        if first is None or first.f != "r" or not reader.ok or rule.other == rule.reader:
            raise CertificateError(f"transaction {rule.reader} does not read {rule.key} first")
        if author is None:
            initial = self.facts.initial
            if first.value != initial or self.facts.writers.get((rule.key, initial)):
                raise CertificateError(f"transaction {rule.reader} does not see {rule.key} before any write")
        elif self.facts.author_of(rule.key, first.value) is not author or author is reader:
            raise CertificateError(f"transaction {rule.reader} does not see {rule.key} of {rule.author}")
        return self.order((SNAPSHOT, reader.begun), (COMMIT, rule.other))

    def end_of(self, begin: Point, links: Sequence[Link]) -> Point:
        """Where a path of links from a point leads."""
        at = self.point(begin)
        for link in links:
            before, after = self.point(link.before), self.point(link.after)
            if before != at or not self._holds(link, before, after):
                raise CertificateError(f"nothing shows {link.before} before {link.after} ({link.reason})")
            at = after
        return at

    def _holds(self, link: Link, before: Point, after: Point) -> bool:
        first, second = self.facts.named(before[1]), self.facts.named(after[1])
        # Something that ends comes before something that begins; within a transaction it is the other way.
        apart = not self.snapshots or (before[0], after[0]) == (COMMIT, SNAPSHOT)
        match link.reason:
            case "forced":
                return 0 <= link.step < len(self.shown) and self.shown[link.step] == (before, after)
            case "within":
                return self.snapshots and first is second and (before[0], after[0]) == (SNAPSHOT, COMMIT)
            case "process":
                same = first.process == second.process and first.begun < second.begun
                return apart and self.sessions and first.ok and same
            case "real time":
                ended = first.ended if first.ok else None
                return apart and self.real_time and ended is not None and ended < second.begun
            case "wr":
                seen = (self.facts.author_of(step.key, step.value) for step in second.reads)
                return apart and first is not second and any(author is first for author in seen)
        return False
