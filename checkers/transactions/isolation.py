"""The checker `transactions`: does a history of `txn` operations keep its consistency model?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from checkers.limits import MOST_NAMED, MUCH_EVIDENCE
from checkers.transactions.assumed import NOTHING_ASSUMED, Assumed
from checkers.transactions.consistency import (
    CONSISTENT_VIEW,
    IMPLIED_BY_SNAPSHOTS,
    LIST_APPEND,
    MODELS,
    ONLY_REGISTERS,
    RW_REGISTER,
    SEARCHED,
    SNAPSHOT_ISOLATION,
    STRICT_SERIALIZABLE,
    base_of,
    gravity,
    level_of,
    refuted_with,
    ruled_out,
)
from checkers.transactions.graph.cycles import Cycles, find_cycles
from checkers.transactions.graph.dependencies import dependencies
from checkers.transactions.list_append import read_lists
from checkers.transactions.reading import Reading
from checkers.transactions.rw_register import Registers, read_registers
from checkers.transactions.solver.decide import LOOKS_AT_MOST, Answer, decide
from checkers.transactions.solver.problem import problem
from checkers.transactions.solver.search import ORDERED, REFUTED
from checkers.transactions.solver.words import refutation_of, undecided
from checkers.transactions.transactions import Transactions, transactions
from checkers.transactions.unread import judge_unread
from checkers.transactions.words import cycle_in_words, operations_of
from checkers.verdict import Evidence, Unjudged, Validity, Verdict, checked
from history import Recording
from history.formats.transactions import TransactionHistory
from history.history import OK

UNSEEN = {
    RW_REGISTER: "writes of one key that nothing orders can hide a cycle: reads show only part of the order",
}
"""What limits a verdict that no search for an order made."""


class Found(NamedTuple):
    """What shows in a history before any search."""

    txns: Transactions
    reading: Reading
    registers: Registers | None
    edges: int
    cycles: Cycles
    names: list[str]
    """The anomalies, the gravest first."""

    @property
    def counts(self) -> dict[str, int]:
        """By anomaly how many there are."""
        return {**self.reading.anomalies.counts, **self.cycles.counts}

    @property
    def listed(self) -> str:
        """The anomalies in words."""
        return ", ".join(f"{self.counts[name]} {name}" for name in self.names)


@dataclass(frozen=True)
class Isolation:
    """Names the cycles of dependencies between transactions; of registers, searches for an order, too."""

    workload: str
    consistency: str = STRICT_SERIALIZABLE
    assumed: Assumed = NOTHING_ASSUMED
    """What is assumed of registers."""
    looks: int = LOOKS_AT_MOST
    """How much the search for an order may do before it gives up."""
    name: str = "transactions"

    def check(self, recording: Recording) -> Verdict:
        """Judge the history's transactions; `unknown` if `judge` refuses the history."""
        return checked(self, recording)

    def judge(self, recording: Recording) -> Verdict:
        """Find the anomalies, and whether the history keeps the model.

        Raises:
            IllegalOperation: the history is not one of this workload, or breaks its rules.
        """
        found = self._found(recording)
        gone = ruled_out(found.names)
        answer = None if self.consistency in gone else self._searched(found)
        evidence = _evidence(found.reading, found.cycles, found.names)
        if answer is not None and answer.state == REFUTED and base_of(self.consistency) in SEARCHED:
            gone = tuple(one for one in MODELS if one in {*gone, *refuted_with(self.consistency)})
            evidence.insert(0, refutation_of(answer, self.consistency))
        validity, summary = self._summary(found, gone, answer)
        if self.consistency in gone:
            validity, summary = self._unless_initial(recording, found, validity, summary)
        nothing_read = validity is Validity.UNKNOWN and not found.txns.ok_reads.any()
        measures = {
            "workload": self.workload,
            "consistency": self.consistency,
            "transactions": len(found.txns),
            "ok": int((found.txns.outcome == OK).sum()),
            "keys": found.txns.keys,
            "dependencies": found.edges,
            "anomalies": found.counts,
            "not": list(gone),
        }
        if answer is not None:
            measures["search"] = answer.figures
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence[:MUCH_EVIDENCE]),
            measures=measures,
            caveats=self._caveats(answer),
            unjudged=Unjudged.NOT_EXERCISED if nothing_read else None,
        )

    def _found(self, recording: Recording) -> Found:
        """All that shows without a search."""
        lists = self.workload == LIST_APPEND
        txns = transactions(recording.history, lists=lists, duplicates=self.assumed.duplicates)
        level = level_of(self.consistency)
        registers = None if lists else read_registers(txns, level, self.assumed)
        reading = read_lists(txns) if registers is None else registers.reading
        graph = dependencies(reading, level)
        cycles = find_cycles(graph, level)
        if lists and self.consistency not in ruled_out([*reading.anomalies.counts, *cycles.counts]):
            cycles.undecided |= judge_unread(reading, graph, self.consistency, level)
        names = sorted({**reading.anomalies.counts, **cycles.counts}, key=gravity)
        return Found(txns, reading, registers, len(graph.source), cycles, names)

    def _searched(self, found: Found) -> Answer | None:
        """What the search for an order says; None where there is nothing to search."""
        base = base_of(self.consistency)
        if found.registers is None or not found.txns.ok_reads.any():
            return None
        if base not in SEARCHED and base not in IMPLIED_BY_SNAPSHOTS:
            return None
        if "non-repeatable-read" in found.counts:
            return None
        task = problem(
            found.txns,
            found.registers.form,
            level_of(self.consistency),
            snapshots=SEARCHED.get(base, True),
            is_initial=found.registers.is_initial,
        )
        return decide(task, self.looks)

    def _summary(self, found: Found, gone: tuple[str, ...], answer: Answer | None) -> tuple[Validity, str]:
        """The verdict in one sentence; `gone` are the models that are ruled out."""
        done = int((found.txns.outcome == OK).sum())
        base = base_of(self.consistency)
        if self.consistency in gone:
            reason = found.listed if answer is None else "no order of its transactions explains every read"
            return Validity.INVALID, f"the history is not {self.consistency}: {reason}"
        if self.consistency in ONLY_REGISTERS:
            return Validity.UNKNOWN, f"whether the history is {self.consistency} is not decided here"
        if not found.txns.ok_reads.any():
            return Validity.UNKNOWN, f"none of {done} transactions read anything, so nothing is known"
        but = f" (but {found.listed})" if found.names else ""
        if answer is not None:
            return self._searched_summary(answer, done, but)
        if found.registers is not None and base in IMPLIED_BY_SNAPSHOTS:
            return Validity.UNKNOWN, f"whether the history is {self.consistency} is not decided{but}"
        if found.cycles.undecided and base == CONSISTENT_VIEW:
            return Validity.UNKNOWN, "a G-single was neither found nor excluded within the budget"
        if found.cycles.undecided and base == SNAPSHOT_ISOLATION:
            return Validity.UNKNOWN, (
                "no order that snapshot isolation allows was found for the appends that no read shows, and "
                "none was excluded within the budget"
            )
        summary = f"{done} transactions, {found.edges} dependencies: nothing rules out {self.consistency}"
        return Validity.VALID, summary + but

    def _searched_summary(self, answer: Answer, done: int, but: str) -> tuple[Validity, str]:
        """The verdict where the search did not rule the model out."""
        if answer.state == ORDERED:
            return Validity.VALID, f"{done} transactions: one order of them explains every read{but}"
        if answer.state == REFUTED:
            return Validity.UNKNOWN, (
                f"the history is not snapshot-isolation; whether it is {self.consistency} is not decided{but}"
            )
        return Validity.UNKNOWN, f"the search for an order gave up: {undecided(answer)}{but}"

    def _unless_initial(
        self, recording: Recording, found: Found, validity: Validity, summary: str
    ) -> tuple[Validity, str]:
        """`unknown` instead of `invalid` if one other initial value would make the history valid."""
        foreign = None if found.registers is None else found.registers.foreign
        if foreign is None or isinstance(recording.history, TransactionHistory):
            return validity, summary
        value = msgspec.json.encode(foreign).decode()
        other = replace(self, assumed=self.assumed._replace(initial=foreign))
        if checked(other, recording).validity is not Validity.VALID:
            return validity, summary
        return Validity.UNKNOWN, (
            f"reads show {value}, which no transaction wrote; if every key held {value} before its first "
            f"write, the history is {self.consistency}: --option initial={value} states that"
        )

    def _caveats(self, answer: Answer | None) -> tuple[str, ...]:
        caveats = []
        if answer is None:
            caveats += [UNSEEN[self.workload]] if self.workload in UNSEEN else []
        if self.workload == RW_REGISTER:
            initial = self.assumed.initial
            held = "nothing" if initial is None else msgspec.json.encode(initial).decode()
            caveats.append(f"every key is taken to hold {held} before its first write")
        if level_of(self.consistency) < 2:
            caveats.append(f"real time was not looked at, as {self.consistency} does not require it")
        return tuple(caveats)


def _evidence(reading: Reading, cycles: Cycles, names: list[str]) -> list[Evidence]:
    """The cases and cycles of each anomaly, the gravest anomaly first."""
    evidence: list[Evidence] = []
    for name in names:
        for case in reading.anomalies.cases.get(name, ()):
            title = f"{name}: {_named(reading, case.transactions)}"
            evidence.append(Evidence(title, case.text, operations_of(reading, case.transactions), kind=name))
        for cycle in cycles.cycles.get(name, ()):
            text, links = cycle_in_words(reading, cycle)
            members = [step.before for step in cycle]
            title = f"{name}: {_named(reading, members)}"
            operations = operations_of(reading, members)
            evidence.append(Evidence(title, text, operations, links=links, kind=name))
    return evidence


def _named(reading: Reading, members: Sequence[int]) -> str:
    """Transactions by the operations that they are in the history."""
    numbers = [str(int(reading.txns.invoked[member])) for member in dict.fromkeys(members)]
    listed = ", ".join(numbers[:MOST_NAMED]) + (" and more" if len(numbers) > MOST_NAMED else "")
    return f"{'operation' if len(numbers) == 1 else 'operations'} {listed}"
