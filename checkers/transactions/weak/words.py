"""Weak isolation in words: reads that nothing explains, and cycles of pairs that must be in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from checkers.limits import MOST_CASES
from checkers.transactions.graph.scan import READ as READ_F
from checkers.transactions.transactions import F_NAMES, Transactions
from checkers.transactions.weak import resolve as wrong
from checkers.transactions.weak.orders import INFERRED, INITIAL, READ, SESSION, Link, Pairs
from checkers.transactions.weak.resolve import Resolved
from checkers.transactions.words import value_in_words
from checkers.verdict import Arrow, Evidence
from history.history import OK

MOST_STEPS = 12
"""A transaction with more steps is shown with these many at most, those of the argument among them."""
GARBAGE_READ, G1A, G1B, INTERNAL = "garbage-read", "G1a", "G1b", "internal"
NAMES: Mapping[int, str] = {
    wrong.GARBAGE: GARBAGE_READ,
    wrong.ABORTED: G1A,
    wrong.INTERMEDIATE: G1B,
    wrong.OWN_LATER: INTERNAL,
    wrong.OWN_BEFORE: INTERNAL,
}
"""By what is wrong with a read, the anomaly."""
REASONS: Mapping[int, str] = {
    wrong.GARBAGE: "which no transaction wrote there",
    wrong.ABORTED: "which {author} wrote, and that one failed",
    wrong.INTERMEDIATE: "which {author} itself then overwrote",
    wrong.OWN_LATER: "before its own step wrote it",
    wrong.OWN_BEFORE: "which contradicts what it wrote there itself before",
}
KINDS = {SESSION: "process", READ: "wr", INITIAL: "initial", INFERRED: "co"}


def operations(txns: Transactions, members: Sequence[int]) -> tuple[int, ...]:
    """The numbers of transactions, in order."""
    return tuple(sorted({int(txns.invoked[t]) for t in members}))


def named(txns: Transactions, members: Sequence[int]) -> str:
    """Transactions by the operations that they are in the history."""
    numbers = [str(int(txns.invoked[member])) for member in members]
    return f"{'operation' if len(numbers) == 1 else 'operations'} {', '.join(numbers)}"


def wrong_reads(resolved: Resolved) -> list[Evidence]:
    """The first reads of each kind that no order of commits explains."""
    txns, evidence = resolved.txns, []
    for kind, reason in REASONS.items():
        for step in np.flatnonzero(resolved.wrong == kind)[:MOST_CASES].tolist():
            reader, version = int(txns.of[step]), int(txns.version[step])
            author = int(resolved.writers.writer[version]) if version >= 0 else -1
            members = [author, reader] if author not in (-1, reader) else [reader]
            because = reason.format(author=txns.called(author) if author >= 0 else "")
            shown = value_in_words(txns.step_value(step))
            text = f"{txns.who(step)} read {shown} in {txns.key_of(step)!r}, {because}."
            name = NAMES[kind]
            evidence.append(
                Evidence(f"{name}: {named(txns, members)}", text, operations(txns, members), kind=name)
            )
    return evidence


class Cycle:
    """A cycle in words: why each transaction comes before the next, and why that cannot be."""

    def __init__(self, resolved: Resolved, links: Sequence[Link], whole: Pairs) -> None:
        self._resolved = resolved
        self._links = links
        self._whole = whole
        self.rests_on_process = False
        """Whether a pair was inferred from the order of a process."""
        self._steps: set[int] = {link.step for link in links if link.step >= 0}
        members = [link.before for link in links]
        for link in links:
            if link.kind == INFERRED:
                members.append(int(resolved.txns.of[link.step]))
        members = [member for member in dict.fromkeys(members) if member != resolved.initial]
        self._names = {txn: f"T{place}" for place, txn in enumerate(members, start=1)}
        self.reasons = [self._reason(link) for link in links]

    @property
    def members(self) -> list[int]:
        """The transactions of the argument."""
        return list(self._names)

    def evidence(self, name: str) -> Evidence:
        """The cycle as evidence of the anomaly of that name."""
        txns = self._resolved.txns
        lets = [
            f"Let {name_} be operation {int(txns.invoked[txn])}, {self._transaction(txn)}"
            for txn, name_ in self._names.items()
        ]
        arguments = [
            f"{self._called(link.before)} comes before {self._called(link.after)}, because {why}"
            for link, why in zip(self._links, self.reasons, strict=True)
        ]
        text = (
            f"{'. '.join(lets)}. {'; '.join(arguments[:-1])}. However, {arguments[-1]}: no order of commits "
        )
        arrows = [
            Arrow(
                source=int(txns.invoked[link.before]),
                target=int(txns.invoked[link.after]),
                kind=KINDS[link.kind],
                text=why,
            )
            for link, why in zip(self._links, self.reasons, strict=True)
            if self._resolved.initial not in (link.before, link.after)
        ]
        return Evidence(
            f"{name}: {named(txns, self.members)}",
            text + "agrees with all of that.",
            operations(txns, self.members),
            links=tuple(arrows),
            kind=name,
        )

    def _called(self, txn: int) -> str:
        if txn == self._resolved.initial:
            return "the initial state"
        return self._names.get(txn) or self._resolved.txns.called(txn)

    def _transaction(self, txn: int) -> str:
        txns = self._resolved.txns
        shown: list[str] = []
        for step in range(int(txns.first[txn]), int(txns.first[txn + 1])):
            known = txns.f[step] != READ_F or txns.outcome[txn] == OK
            value = value_in_words(txns.step_value(step)) if known else "?"
            if len(shown) < MOST_STEPS or step in self._steps:
                shown.append(f"{F_NAMES[txns.f[step]]} {txns.key_name(int(txns.key[step]))} {value}")
        more = int(txns.first[txn + 1] - txns.first[txn]) - len(shown)
        return f"[{', '.join(shown)}{f', and {more} more' if more else ''}]"

    def _read_of(self, reader: int, author: int, before: int | None = None) -> int:
        """The first step in which the reader saw the author; -1 if none, or none before step `before`."""
        resolved = self._resolved
        begin, end = int(resolved.txns.first[reader]), int(resolved.txns.first[reader + 1])
        hits = np.flatnonzero(resolved.source[begin : end if before is None else before] == author)
        return begin + int(hits[0]) if len(hits) else -1

    def _saw(self, step: int) -> str:
        """`read 5 in x, which T1 wrote`."""
        txns, author = self._resolved.txns, int(self._resolved.source[step])
        key = txns.key_name(int(txns.key[step]))
        if author == self._resolved.initial:
            return f"read the initial state of {key}"
        return f"read {value_in_words(txns.step_value(step))} in {key}, which {self._called(author)} wrote"

    def _reason(self, link: Link) -> str:
        txns = self._resolved.txns
        if link.kind == SESSION:
            process = int(txns.process[link.before])
            return f"process {process} did {self._called(link.before)} before {self._called(link.after)}"
        if link.kind == INITIAL:
            return "the initial state comes before every transaction"
        if link.kind == READ:
            return f"{self._called(link.after)} {self._saw(self._read_of(link.after, link.before))}"
        return self._inferred(link)

    def _inferred(self, link: Link) -> str:
        """Why the reader of the step let the target be the later one of two writers of its key."""
        txns = self._resolved.txns
        reader, t2 = int(txns.of[link.step]), link.before
        key = txns.key_name(int(txns.key[link.step]))
        earlier = self._read_of(reader, t2, before=link.step)
        any_read = self._read_of(reader, t2)
        who, other, saw = self._called(reader), self._called(t2), self._saw(link.step)
        if earlier >= 0:
            return f"{who} {self._saw(earlier)}, and then {saw}, although {other} wrote {key}, too"
        if any_read >= 0:
            return f"{who} {self._saw(any_read)}, and {saw}, although {other} wrote {key}, too"
        sessions = self._resolved.sessions.session
        if sessions[t2] == sessions[reader]:
            self.rests_on_process = True
            process = int(txns.process[reader])
            return f"process {process} did {other}, which wrote {key}, before {who}, and {who} {saw}"
        chain = self._chain(t2, reader, link)
        return f"{other}, which wrote {key}, happened before {who} ({chain}), and {who} {saw}"

    def _chain(self, begin: int, end: int, link: Link) -> str:
        """A shortest chain of pairs from one transaction to another, in words.

        Of inferred pairs only those count that were inferred before this link was.
        """
        whole = self._whole
        usable = np.flatnonzero((whole.kind == READ) | (whole.kind == SESSION))
        if whole.for_process:
            same = (whole.source == link.before) & (whole.target == link.after) & (whole.step == link.step)
            known = np.flatnonzero(whole.kind == INFERRED)
            usable = np.concatenate([usable, known[known < int(np.flatnonzero(same)[0])]])
        into = usable[np.argsort(whole.target[usable], kind="stable")]
        targets = whole.target[into]
        via: dict[int, int] = {end: -1}
        waiting = deque([end])
        while waiting and begin not in via:
            txn = waiting.popleft()
            low, high = np.searchsorted(targets, [txn, txn + 1])
            for pair in into[low:high].tolist():
                other = int(whole.source[pair])
                if other not in via:
                    via[other] = pair
                    waiting.append(other)
        return ", ".join(self._along(via, begin, end))

    def _along(self, via: Mapping[int, int], begin: int, end: int) -> Iterator[str]:
        whole, at = self._whole, begin
        while at != end and at in via:
            kind, after = int(whole.kind[via[at]]), int(whole.target[via[at]])
            while kind == SESSION and via[after] >= 0 and whole.kind[via[after]] == SESSION:
                after = int(whole.target[via[after]])
            first, second = self._called(at), self._called(after)
            if kind == READ:
                yield f"{second} read from {first}"
            elif kind == SESSION:
                self.rests_on_process = True
                yield f"process {int(self._resolved.txns.process[at])} did {first} before {second}"
            else:
                key = self._resolved.txns.key_of(int(whole.step[via[at]]))
                yield f"{first} wrote {key} before {second} did, as the reads show"
            at = after
