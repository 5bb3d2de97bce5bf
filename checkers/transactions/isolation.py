"""The transactional checker: a history of `txn` operations, and the consistency model that it should keep."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.limits import MUCH_EVIDENCE
from checkers.transactions.consistency import (
    CONSISTENT_VIEW,
    LIST_APPEND,
    OTHER_NAMES,
    RW_REGISTER,
    STRICT_SERIALIZABLE,
    gravity,
    level_of,
    ruled_out,
)
from checkers.transactions.graph.cycles import find_cycles
from checkers.transactions.graph.dependencies import dependencies
from checkers.transactions.list_append import read_lists
from checkers.transactions.rw_register import read_registers
from checkers.transactions.transactions import transactions
from checkers.transactions.words import cycle_in_words, operations_of
from checkers.verdict import Evidence, Validity, Verdict, checked
from history import Recording
from history.history import OK

CAVEATS = {
    LIST_APPEND: "appends to one key that no read saw have no known order, so a cycle through them can hide",
    RW_REGISTER: "writes of one key that nothing orders can hide a cycle: reads tell only part of the order",
}


@dataclass(frozen=True)
class Isolation:
    """Infers dependencies between transactions, and names the cycles among them."""

    workload: str
    consistency: str = STRICT_SERIALIZABLE
    name: str = "transactions"

    def check(self, recording: Recording) -> Verdict:
        """Judge the history's transactions."""
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
        counts = {**reading.anomalies.counts, **cycles.counts}
        names = sorted(counts, key=gravity)
        gone = ruled_out(names)
        evidence: list[Evidence] = []
        for name in names:
            for case in reading.anomalies.cases.get(name, ()):
                evidence.append(Evidence(name, case.text, operations_of(reading, case.transactions)))
            for cycle in cycles.cycles.get(name, ()):
                text, links = cycle_in_words(reading, cycle)
                members = [step.before for step in cycle]
                evidence.append(Evidence(name, text, operations_of(reading, members), links=links))
        done = int((txns.outcome == OK).sum())
        reads = int(txns.ok_reads.sum())
        told = ", ".join(f"{counts[name]} {name}" for name in names)
        if self.consistency in gone:
            validity, summary = Validity.INVALID, f"not {self.consistency}: {told}"
        elif not reads:
            validity, summary = Validity.UNKNOWN, f"no read among {done} transactions: nothing was observed"
        elif cycles.undecided and OTHER_NAMES.get(self.consistency, self.consistency).endswith(
            CONSISTENT_VIEW
        ):
            validity, summary = (
                Validity.UNKNOWN,
                "a G-single was neither found nor excluded within the budget",
            )
        else:
            validity = Validity.VALID
            summary = (
                f"{done} transactions, {len(graph.source)} dependencies: nothing rules out {self.consistency}"
            )
            if told:
                summary += f" (but {told})"
        caveats = [CAVEATS[self.workload]]
        if level < 2:
            caveats.append(f"real time was not looked at, which {self.consistency} does not ask for")
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence[:MUCH_EVIDENCE]),
            measures={
                "workload": self.workload,
                "consistency": self.consistency,
                "transactions": len(txns),
                "ok": done,
                "keys": txns.keys,
                "dependencies": len(graph.source),
                "anomalies": counts,
                "not": list(gone),
            },
            caveats=tuple(caveats),
        )
