"""The checker `transactions`: does a history of `txn` operations keep its consistency model?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkers.limits import MOST_NAMED, MUCH_EVIDENCE
from checkers.transactions.consistency import (
    CONSISTENT_VIEW,
    LIST_APPEND,
    OTHER_NAMES,
    RW_REGISTER,
    SNAPSHOT_ISOLATION,
    STRICT_SERIALIZABLE,
    gravity,
    level_of,
    ruled_out,
)
from checkers.transactions.graph.cycles import Cycles, find_cycles
from checkers.transactions.graph.dependencies import dependencies
from checkers.transactions.list_append import read_lists
from checkers.transactions.reading import Reading
from checkers.transactions.rw_register import read_registers
from checkers.transactions.transactions import Transactions, transactions
from checkers.transactions.unread import judge_unread
from checkers.transactions.words import cycle_in_words, operations_of
from checkers.verdict import Evidence, Validity, Verdict, checked
from history import Recording
from history.history import OK

CAVEATS = {
    RW_REGISTER: "writes of one key that nothing orders can hide a cycle: reads show only part of the order",
}


@dataclass(frozen=True)
class Isolation:
    """Infers dependencies between transactions, and names the cycles among them."""

    workload: str
    consistency: str = STRICT_SERIALIZABLE
    name: str = "transactions"

    def check(self, recording: Recording) -> Verdict:
        """Judge the history's transactions; `unknown` if `judge` refuses the history."""
        return checked(self, recording)

    def judge(self, recording: Recording) -> Verdict:
        """Find the anomalies, and whether one of them rules out the model.

        Raises:
            IllegalOperation: the history is not one of this workload, or breaks its rules.
        """
        txns = transactions(recording.history, lists=self.workload == LIST_APPEND)
        level = level_of(self.consistency)
        reading = read_lists(txns) if txns.lists else read_registers(txns, level)
        graph = dependencies(reading, level)
        cycles = find_cycles(graph, level)
        if txns.lists and self.consistency not in ruled_out([*reading.anomalies.counts, *cycles.counts]):
            cycles.undecided |= judge_unread(reading, graph, self.consistency, level)
        counts = {**reading.anomalies.counts, **cycles.counts}
        names = sorted(counts, key=gravity)
        gone = ruled_out(names)
        validity, summary = self._summary(
            txns, len(graph.source), ", ".join(f"{counts[name]} {name}" for name in names), gone, cycles
        )
        caveats = [CAVEATS[self.workload]] if self.workload in CAVEATS else []
        if level < 2:
            caveats.append(f"real time was not looked at, as {self.consistency} does not require it")
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(_evidence(reading, cycles, names)[:MUCH_EVIDENCE]),
            measures={
                "workload": self.workload,
                "consistency": self.consistency,
                "transactions": len(txns),
                "ok": int((txns.outcome == OK).sum()),
                "keys": txns.keys,
                "dependencies": len(graph.source),
                "anomalies": counts,
                "not": list(gone),
            },
            caveats=tuple(caveats),
        )

    def _summary(
        self, txns: Transactions, edges: int, found: str, gone: tuple[str, ...], cycles: Cycles
    ) -> tuple[Validity, str]:
        """The verdict in one sentence; `found` lists the anomalies, `gone` the models that they rule out."""
        done = int((txns.outcome == OK).sum())
        model = OTHER_NAMES.get(self.consistency, self.consistency)
        if self.consistency in gone:
            return Validity.INVALID, f"the history is not {self.consistency}: {found}"
        if not txns.ok_reads.any():
            return Validity.UNKNOWN, f"none of {done} transactions read anything, so nothing is known"
        if cycles.undecided and model.endswith(CONSISTENT_VIEW):
            return Validity.UNKNOWN, "a G-single was neither found nor excluded within the budget"
        if cycles.undecided and model.endswith(SNAPSHOT_ISOLATION):
            return Validity.UNKNOWN, (
                "no order that snapshot isolation allows was found for the appends that no read shows, and "
                "none was excluded within the budget"
            )
        summary = f"{done} transactions, {edges} dependencies: nothing rules out {self.consistency}"
        return Validity.VALID, f"{summary} (but {found})" if found else summary


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
