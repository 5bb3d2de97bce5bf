"""A refutation in words: which orders are forced, one after the other, and the circle in which they end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from checkers.limits import MOST_NAMED
from checkers.linearizability.answer import NEVER
from checkers.transactions.solver.decide import Answer
from checkers.transactions.solver.problem import INITIAL, SESSION, WITHIN, WRITE_READ, Problem
from checkers.transactions.solver.proof import FORCED, Alternative, Link, Proof, Rule, Step, proof_of
from checkers.transactions.solver.state import LEVEL, OPEN, WAITING
from checkers.transactions.words import transaction_in_words, value_in_words
from checkers.verdict import Arrow, Evidence

NO_ORDER = "no order"
"""The kind of this evidence."""
_REAL_TIME, _PROCESS = "real time", "process"


class _Words:
    """Names the transactions of a proof in the order in which it comes to them."""

    def __init__(self, task: Problem, proof: Proof) -> None:
        self._task = task
        self._proof = proof
        self._names: dict[int, str] = {}

    def name(self, member: int) -> str:
        """`T1` and so on."""
        return self._names.setdefault(member, f"T{len(self._names) + 1}")

    def at(self, point: int) -> int:
        """The transaction of a point."""
        return point // self._task.width

    @property
    def members(self) -> list[int]:
        """All that have a name."""
        return list(self._names)

    def introduced(self) -> str:
        """Which operation each name stands for."""
        txns, reading = self._task.txns, self._task
        parts = []
        for member, name in self._names.items():
            txn = int(reading.member[member])
            reply = "" if txns.completed[txn] != NEVER else ", which has no reply"
            parts.append(
                f"Let {name} be operation {int(txns.invoked[txn])}, {transaction_in_words(txns, txn)}{reply}"
            )
        return ". ".join(parts)

    def order(self, before: int, after: int) -> str:
        """One point before another."""
        first, second = self.name(self.at(before)), self.name(self.at(after))
        if not self._task.snapshots:
            return f"{first} comes before {second}"
        verbs = ["begins" if point % 2 == 0 else "ends" for point in (before, after)]
        return f"{first} {verbs[0]} before {second} {verbs[1]}"

    def written(self, slot: int) -> str:
        """A write by its slot: `T1's write of 5 to x`."""
        writers, txns = self._task.writers, self._task.txns
        value = value_in_words(txns.value(writers.version[slot]))
        return f"{self.name(int(writers.member[slot]))}'s write of {value} to {self._key(writers.key[slot])}"

    def _key(self, key: int) -> str:
        return str(self._task.txns.key_name(int(key)))

    def seen(self, read: int) -> str:
        """What a read saw: `T2 read 5 of x`."""
        reads, txns = self._task.reads, self._task.txns
        version = int(reads.version[read])
        value = "nothing" if version < 0 else value_in_words(txns.value(version))
        return f"{self.name(int(reads.member[read]))} read {value} of {self._key(reads.key[read])}"

    def rule(self, rule: Rule) -> str:
        """What the history asks for."""
        if rule.read < 0:
            one, two = self.written(rule.author), self.written(rule.other)
            return f"of {one} and {two}, one transaction ends before the other begins"
        if rule.candidates:
            from_ = [
                self.written(slot) if slot != INITIAL else "the initial version" for slot in rule.candidates
            ]
            return f"{self.seen(rule.read)}, from {' or '.join(from_)}"
        if rule.author == INITIAL:
            return f"{self.seen(rule.read)}, so it did not see {self.written(rule.other)}"
        return (
            f"{self.seen(rule.read)}, which is {self.written(rule.author)}, so {self.written(rule.other)} "
            "comes before that write or after that read"
        )

    def ways(self, links: Iterable[Link]) -> list[tuple[int, int, str, str]]:
        """The steps of a path between transactions: from, to, the kind of the reason, and the reason."""
        found: list[tuple[int, int, str, str]] = []
        left = -1
        for link in links:
            if link.kind == WITHIN:
                continue
            total = len(self._task.member) * self._task.width
            if link.after >= total:
                left = link.before if link.before < total else left
                continue
            if link.before >= total:
                before, after = self.at(left), self.at(link.after)
                found.append((before, after, _REAL_TIME, self._real_time(before, after)))
                continue
            found.append((self.at(link.before), self.at(link.after), *self._reason(link)))
        return found

    def _real_time(self, before: int, after: int) -> str:
        return f"{self.name(before)} had completed before {self.name(after)} began"

    def _reason(self, link: Link) -> tuple[str, str]:
        before, after = self.at(link.before), self.at(link.after)
        if link.kind == SESSION:
            process = int(self._task.txns.process[self._task.member[before]])
            return _PROCESS, f"process {process} did {self.name(before)} before {self.name(after)}"
        if link.kind == WRITE_READ:
            return "wr", self._wrote(before, after)
        assert link.kind == FORCED, "moments are no reasons"
        if link.step < 0:
            return "tried", self.order(link.before, link.after)
        step = self._proof.steps[link.step]
        return self._label(step, link), f"{self.order(link.before, link.after)} ({link.step + 1})"

    def _wrote(self, before: int, after: int) -> str:
        """Which write of one transaction another one read."""
        reads, writers = self._task.reads, self._task.writers
        for read in np.flatnonzero(reads.member == after).tolist():
            low, high = int(reads.candidates_at[read]), int(reads.candidates_at[read + 1])
            slot = int(reads.candidate[low])
            if high - low == 1 and slot != INITIAL and writers.member[slot] == before:
                return f"{self.name(after)} read {self.written(slot)}"
        raise AssertionError("a transaction that read another's write has such a read")

    def _label(self, step: Step, link: Link) -> str:
        return self.label_of(step.rule, link.before)

    def label_of(self, rule: Rule | None, before: int) -> str:
        """What kind of dependency an alternative of a rule is, by the point that it puts first."""
        if rule is None:
            return "learned"
        if rule.candidates:
            return "wr"
        if rule.read < 0 or self.at(before) == int(self._task.writers.member[rule.other]):
            return "ww"
        return "rw"

    def refuted(self, one: Alternative) -> str:
        """Why an alternative cannot be."""
        if one.before < 0:
            return f"the choice was made in ({one.step + 1})"
        if not one.circle:
            return f"not {self.order(one.before, one.after)} ({one.step + 1})"
        path = "; ".join(reason for _, _, _, reason in self.ways(one.circle))
        claim = self.order(one.before, one.after)
        return f"it cannot be that {claim}, since {path}" if path else f"it cannot be that {claim}"

    def step(self, number: int, step: Step) -> str:
        """A forced order with its reason."""
        claim = self.order(step.before, step.after) if step.before >= 0 else "one choice is out"
        if step.rule is None and not step.refuted:
            return f"({number}) {claim}: all other orders that were tried contradict the history"
        reasons = [self.rule(step.rule)] if step.rule is not None else []
        reasons += [self.refuted(one) for one in step.refuted]
        return f"({number}) {claim}: {'; '.join(reasons)}"


def refutation_of(answer: Answer, model: str) -> Evidence:
    """The evidence that a history does not keep a model."""
    task = answer.task
    proof = proof_of(answer)
    if proof is None:
        return Evidence(
            f"{NO_ORDER}: {len(task.member)} transactions",
            "What they read of each other, and the order in which they ran, go in a circle.",
            kind=NO_ORDER,
        )
    words = _Words(task, proof)
    arrows: list[Arrow] = []
    reasons = []
    for one in proof.last:
        ways = words.ways(one.circle)
        arrows += [_arrow(task, way) for way in ways]
        if one.before >= 0:
            reasons.append(words.refuted(one))
            label = words.label_of(proof.last_rule, one.before)
            way = (words.at(one.before), words.at(one.after), label, words.order(one.before, one.after))
            arrows.append(_arrow(task, way))
        else:
            reasons.append("; ".join(reason for _, _, _, reason in ways))
    shown = proof.steps[-MOST_NAMED:]
    first = len(proof.steps) - len(shown) + 1
    forced = [words.step(number, step) for number, step in enumerate(shown, start=first)]
    if first > 1:
        forced.insert(0, f"{first - 1} orders that are forced before these are not shown")
    last = (
        f"{'. '.join(reasons)}: a circle"
        if proof.last_rule is None
        else f"However, {words.rule(proof.last_rule)}; {'; '.join(reasons)}"
    )
    text = ". ".join([words.introduced(), *forced, last]) + f". No order of the transactions is {model}."
    members = words.members
    txns = task.txns
    numbers = sorted(int(txns.invoked[task.member[member]]) for member in members)
    listed = ", ".join(map(str, numbers[:MOST_NAMED])) + (" and more" if len(numbers) > MOST_NAMED else "")
    noun = "operation" if len(numbers) == 1 else "operations"
    title = f"{NO_ORDER}: {noun} {listed}"
    return Evidence(title, text, tuple(numbers), links=tuple(dict.fromkeys(arrows)), kind=NO_ORDER)


def _arrow(task: Problem, way: tuple[int, int, str, str]) -> Arrow:
    before, after, kind, text = way
    invoked = task.txns.invoked[task.member]
    return Arrow(source=int(invoked[before]), target=int(invoked[after]), kind=kind, text=text)


def undecided(answer: Answer) -> str:
    """What a search that gave up left open, in words."""
    task, search = answer.task, answer.search
    assert search is not None, "a search that gave up had begun"
    logic, counters, keys = search.logic, search.counters, search.keys
    open_keys = {int(keys.waiting[at]) for at in range(int(counters[WAITING]))}
    open_keys |= {int(keys.open[at]) for at in range(int(counters[OPEN]))}
    for level in range(1, int(counters[LEVEL]) + 1):
        literal = int(logic.trail[int(logic.level_at[level])])
        points = (int(logic.first[literal >> 1]), int(logic.second[literal >> 1]))
        shared = [
            {int(keys.keys_of[at]) for at in range(int(keys.keys_at[txn]), int(keys.keys_at[txn + 1]))}
            for txn in (point // task.width for point in points if point >= 0)
        ]
        open_keys |= set.intersection(*shared) if shared else set()
    names = sorted(str(task.txns.key_name(key)) for key in open_keys)
    listed = ", ".join(names[:MOST_NAMED]) + (" and more" if len(names) > MOST_NAMED else "")
    chosen = np.isin(task.writers.key, list(open_keys))
    txns = len(np.unique(task.writers.member[chosen]))
    return (
        f"the order of {txns} transactions that wrote {len(names)} {'key' if len(names) == 1 else 'keys'} "
        f"({listed}) is open after {answer.figures['looks']:,} looks"
    )
