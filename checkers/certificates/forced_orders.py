"""Writes the refutation of a search for an order as steps that can be rechecked."""

from __future__ import annotations

from checkers.transactions.solver.decide import Answer
from checkers.transactions.solver.problem import MOMENT, REAL_TIME, SESSION, WITHIN, WRITE_READ, Problem
from checkers.transactions.solver.proof import FORCED, Alternative, proof_of
from checkers.transactions.solver.proof import Link as FoundLink
from checkers.transactions.solver.proof import Rule as FoundRule
from checkers.transactions.solver.proof import Step as FoundStep
from checkers.verification.certificate import ForcedOrders, Link, Point, Refuted, Rule, Step
from history.values import encoded

REASONS = {WITHIN: "within", WRITE_READ: "wr", SESSION: "process", REAL_TIME: "real time", FORCED: "forced"}


def forced_orders(answer: Answer) -> ForcedOrders | None:
    """The steps of a refutation; None if the search has no complete one, or none of this form."""
    proof = proof_of(answer)
    if proof is None or not proof.complete:
        return None
    writing = _Writing(answer.task)
    steps = [writing.step(step) for step in proof.steps]
    if None in steps:
        return None
    known = tuple(step for step in steps if step is not None)
    if proof.last_rule is None:
        return ForcedOrders(known, None, circle=writing.links(proof.last[0].circle))
    rule = writing.rule(proof.last_rule)
    refuted = writing.refuted(proof.last)
    return None if rule is None or refuted is None else ForcedOrders(known, rule, refuted)


class _Writing:
    """Names points, transactions and keys as the history does."""

    def __init__(self, task: Problem) -> None:
        self._task = task

    def _transaction(self, member: int) -> int:
        return int(self._task.txns.invoked[self._task.member[member]])

    def point(self, point: int) -> Point:
        """A point of a transaction."""
        member, place = divmod(point, self._task.width)
        what = "commit" if place == self._task.width - 1 else "snapshot"
        return what, self._transaction(member)

    def _is_moment(self, point: int) -> bool:
        return point >= len(self._task.member) * self._task.width

    def links(self, found: tuple[FoundLink, ...]) -> tuple[Link, ...]:
        """A path between transactions: what leads over moments of real time is one link."""
        links: list[Link] = []
        begun: int | None = None
        for link in found:
            begun = link.before if begun is None else begun
            if self._is_moment(link.after):
                continue
            over_moments = link.kind == MOMENT or begun != link.before
            reason = "real time" if over_moments else REASONS[link.kind]
            links.append(Link(self.point(begun), self.point(link.after), reason, link.step))
            begun = None
        return tuple(links)

    def rule(self, found: FoundRule) -> Rule | None:
        """A rule; None for the choice of a write among several that a read may have seen."""
        if found.candidates or found.other < 0:
            return None
        writers, reads = self._task.writers, self._task.reads
        key = encoded(self._task.txns.key_name(int(writers.key[found.other])))
        return Rule(
            key,
            None if found.read < 0 else self._transaction(int(reads.member[found.read])),
            None if found.author < 0 else self._transaction(int(writers.member[found.author])),
            self._transaction(int(writers.member[found.other])),
        )

    def step(self, found: FoundStep) -> Step | None:
        """A step; None if it is no order."""
        if found.rule is None or found.before < 0:
            return None
        rule, refuted = self.rule(found.rule), self.refuted(found.refuted)
        if rule is None or refuted is None:
            return None
        return Step(self.point(found.before), self.point(found.after), rule, refuted)

    def refuted(self, found: tuple[Alternative, ...]) -> tuple[Refuted, ...] | None:
        """Why the other ways to keep a rule cannot be; None if one of them is no order."""
        refuted = []
        for one in found:
            if one.before < 0:
                return None
            before, after = self.point(one.before), self.point(one.after)
            circle = self.links(one.circle) or (Link(after, before, "forced", one.step),)
            refuted.append(Refuted(before, after, circle))
        return tuple(refuted)
