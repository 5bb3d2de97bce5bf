"""The checker of weak levels: does an order of commits exist that the level allows?"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from checkers.limits import MUCH_EVIDENCE
from checkers.transactions.assumed import NOTHING_ASSUMED, Assumed
from checkers.transactions.consistency import (
    CAUSAL,
    MONOTONIC_ATOMIC_VIEW,
    PRAM,
    READ_ATOMIC,
    READ_COMMITTED,
    RW_REGISTER,
    gravity,
    level_of,
    ruled_out,
)
from checkers.transactions.rw_register import one_value, refuse_written_again, versions_of
from checkers.transactions.transactions import transactions, written_again
from checkers.transactions.weak.causal import causal_pairs, reader_of
from checkers.transactions.weak.orders import READ, SESSION, ends, ordered, pairs, smallest_cycle
from checkers.transactions.weak.pram import pram_violation
from checkers.transactions.weak.resolve import GARBAGE, Resolved, resolve
from checkers.transactions.weak.views import Inferred, atomic_pairs, monotonic_pairs
from checkers.transactions.weak.words import NAMES, Cycle, wrong_reads
from checkers.verdict import Validity, Verdict, checked
from history import Recording
from history.formats.transactions import TransactionHistory
from history.history import OK

G1C = "G1c"
CYCLES = {
    MONOTONIC_ATOMIC_VIEW: "non-monotonic-reads",
    READ_ATOMIC: "fractured-reads",
    CAUSAL: "causality-violation",
    PRAM: "pram-violation",
}
"""By level the anomaly that a cycle is whose pairs the level infers."""
ALSO = "some checkers, AWDIT among them, call strong-session-monotonic-atomic-view read committed"


@dataclass(frozen=True)
class WeakIsolation:
    """Decides whether a history of registers keeps a weak level."""

    consistency: str
    assumed: Assumed = NOTHING_ASSUMED
    name: str = "transactions"

    def check(self, recording: Recording) -> Verdict:
        """Judge the history's transactions; `unknown` if `judge` refuses the history."""
        return checked(self, recording)

    def judge(self, recording: Recording) -> Verdict:
        """Find an order of commits, or the smallest reason why there is none.

        Raises:
            IllegalOperation: the history is not one of registers, or breaks its rules.
        """
        initial, doubled = self.assumed.initial, self.assumed.duplicates
        txns = transactions(recording.history, lists=False, duplicates=doubled)
        if doubled and written_again(txns) is not None:
            summary = f"whether the history is {self.consistency} is not decided where values are doubled"
            return Verdict(checker=self.name, validity=Validity.UNKNOWN, summary=summary)
        refuse_written_again(txns, versions_of(txns, initial))
        resolved = resolve(txns, initial)
        verdict = self._verdict(resolved)
        if isinstance(recording.history, TransactionHistory):
            return verdict  # the reader states the initial value
        if verdict.validity is Validity.INVALID and initial is None:
            verdict = self._unless_initial(resolved, verdict)
        held = "nothing" if initial is None else msgspec.json.encode(initial).decode()
        caveats = (f"every key is taken to hold {held} before its first write", *verdict.caveats)
        return msgspec.structs.replace(verdict, caveats=caveats)

    def _unless_initial(self, resolved: Resolved, verdict: Verdict) -> Verdict:
        """`unknown` instead of `invalid` if one other initial value would make the history valid."""
        txns = resolved.txns
        foreign = one_value(txns, np.flatnonzero(resolved.wrong == GARBAGE))
        if foreign is None or self._verdict(resolve(txns, foreign)).validity is not Validity.VALID:
            return verdict
        value = msgspec.json.encode(foreign).decode()
        summary = (
            f"reads show {value}, which no transaction wrote; if every key held {value} before its first "
            f"write, the history is {self.consistency}: --option initial={value} states that"
        )
        return msgspec.structs.replace(verdict, validity=Validity.UNKNOWN, summary=summary)

    def _verdict(self, resolved: Resolved) -> Verdict:
        txns, sessions = resolved.txns, level_of(self.consistency) >= 1
        counts = _wrong_counts(resolved)
        evidence = wrong_reads(resolved) if resolved.wrong_count else []
        base = self.consistency.removeprefix("strong-session-")
        found = [_violation(resolved, base, sessions=sessions)]
        caveats = (
            [] if sessions else [f"the order of processes was not looked at, as {self.consistency} has none"]
        )
        if base == READ_COMMITTED:
            found.append(_violation(resolved, MONOTONIC_ATOMIC_VIEW, sessions=True))
            caveats.append(ALSO)
        for name, cycle in filter(None, found):
            if name not in counts:
                counts[name] = 1
                evidence.append(cycle.evidence(name))
        names = sorted(counts, key=gravity)
        evidence.sort(key=lambda one: gravity(one.kind or G1C))
        gone = ruled_out(names)
        validity, summary = self._summary(resolved, ", ".join(f"{counts[n]} {n}" for n in names), gone)
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence[:MUCH_EVIDENCE]),
            measures={
                "workload": RW_REGISTER,
                "consistency": self.consistency,
                "transactions": len(txns),
                "ok": int((txns.outcome == OK).sum()),
                "keys": txns.keys,
                "dependencies": len(resolved.reads.seen),
                "anomalies": counts,
                "not": list(gone),
            },
            caveats=tuple(caveats),
        )

    def _summary(self, resolved: Resolved, found: str, gone: tuple[str, ...]) -> tuple[Validity, str]:
        """The verdict in one sentence; `found` lists the anomalies, `gone` the models they rule out."""
        if self.consistency in gone:
            return Validity.INVALID, f"the history is not {self.consistency}: {found}"
        done = int((resolved.txns.outcome == OK).sum())
        if not resolved.txns.ok_reads.any():
            return Validity.UNKNOWN, f"none of {done} transactions read anything, so nothing is known"
        seen = len(resolved.reads.seen)
        summary = f"{done} transactions, {seen} pairs of writer and reader: {self.consistency} holds"
        return Validity.VALID, f"{summary} (but {found})" if found else summary


def _wrong_counts(resolved: Resolved) -> dict[str, int]:
    """By anomaly, how many reads no order explains."""
    counts: dict[str, int] = {}
    if resolved.wrong_count:
        by_kind = np.bincount(resolved.wrong, minlength=max(NAMES) + 1)
        for kind, name in NAMES.items():
            if by_kind[kind]:
                counts[name] = counts.get(name, 0) + int(by_kind[kind])
    return counts


def _violation(resolved: Resolved, base: str, *, sessions: bool) -> tuple[str, Cycle] | None:
    """The anomaly and a smallest cycle of pairs that the level infers; None if it infers no cycle."""
    if base == PRAM:
        whole = pram_violation(resolved)
        if whole is None:
            return None
    else:
        inferred = _inferred(resolved, base, sessions=sessions)
        if ordered(resolved.initial + 1, *ends(resolved, inferred, sessions=sessions)) is not None:
            return None
        whole = pairs(resolved, inferred, sessions=sessions)
    links = smallest_cycle(resolved.initial + 1, whole)
    if base == CAUSAL:
        links = [
            link._replace(step=reader_of(resolved, link.before, link.step)) if link.step >= 0 else link
            for link in links
        ]
    cycle = Cycle(resolved, links, whole)
    kinds = {link.kind for link in links}
    name = G1C if kinds <= {READ, SESSION} and base != PRAM else CYCLES[base]
    by_process = base == PRAM or SESSION in kinds or cycle.rests_on_process
    return f"{name}-process" if by_process else name, cycle


def _inferred(resolved: Resolved, base: str, *, sessions: bool) -> tuple[Inferred, ...]:
    """The pairs that the level infers."""
    if base == MONOTONIC_ATOMIC_VIEW:
        return (monotonic_pairs(resolved),)
    if base == READ_ATOMIC:
        return atomic_pairs(resolved, sessions=sessions)
    if base == CAUSAL:
        order = ordered(resolved.initial + 1, *ends(resolved, (), sessions=True))
        return () if order is None else (causal_pairs(resolved, order),)
    return ()
