"""Linearizability of the `registry` workload, instance by instance."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checkers.linearizability.answer import Answer
from checkers.linearizability.explain import as_evidence, decide, explain
from checkers.linearizability.split import Split, split, split_operations
from checkers.verdict import Evidence, Validity, Verdict
from harness.history import History, Recording

EVIDENCE_LIMIT = 12
CONFIGURATIONS_PER_KEY = 50_000
CONFIGURATIONS_PER_OPERATION = 50

CAVEATS = (
    "lists are judged instance by instance: whether one moment explains a whole list was not checked",
    "every key is taken to be empty at first",
)


LARGE = 50_000
"""Operations from which on the compiled pass over all keys pays for being loaded."""


def _split(history: History) -> Split:
    """The keys that are to be searched one by one; of a large history, those that no pass over all proved."""
    if len(history) >= LARGE:
        # Not above: this loads the compiled code, which a usual run never needs.
        from checkers.linearizability.columns import operations_on, screen

        screened = screen(history)
        if screened is not None:
            doubtful = [key for key, ok in zip(screened.keys, screened.proven, strict=True) if not ok]
            found = split_operations(operations_on(history, doubtful))
            rest = sum(len(ops) for ops in found.operations.values())
            return replace(
                found,
                proven=len(screened.keys) - len(doubtful),
                proven_operations=screened.operations - rest,
            )
    return split(history)


@dataclass(frozen=True)
class Linearizability:
    """Searches, per instance, for an order that explains every reply; final lists are replies too.

    The budget of a key grows with its length, and going over it makes that key `unknown`, no other.
    """

    name: str = "linearizability"
    configurations_per_key: int = CONFIGURATIONS_PER_KEY
    configurations_per_operation: int = CONFIGURATIONS_PER_OPERATION

    def check(self, recording: Recording) -> Verdict:
        """Judge every key."""
        found = _split(recording.history)
        doubts = list(found.problems)
        evidence: list[Evidence] = []
        bad = most_configurations = 0
        judged, operations = found.proven, found.proven_operations
        for key, ops in found.operations.items():
            if key in found.unreadable:
                doubts.append(f"{key}: {found.unreadable[key]}")
                continue
            budget = self.configurations_per_key + self.configurations_per_operation * len(ops)
            answer, configurations = decide(ops, budget)
            operations += len(ops)
            most_configurations = max(most_configurations, configurations)
            match answer:
                case Answer.LINEARIZABLE:
                    judged += 1
                case Answer.GAVE_UP:
                    doubts.append(
                        f"{key}: no answer after {configurations} configurations of {len(ops)} operations"
                    )
                case Answer.NOT_LINEARIZABLE:
                    judged += 1
                    bad += 1
                    if len(evidence) < EVIDENCE_LIMIT:
                        evidence.append(as_evidence(key, explain(ops, budget)))
        if not operations:
            doubts.append("there is no operation to judge")
        if bad:
            validity = Validity.INVALID
            summary = f"{bad} of {judged} instances are not linearizable"
        elif doubts:
            validity = Validity.UNKNOWN
            summary = f"{len(doubts)} doubts, as: {doubts[0]}"
        else:
            validity = Validity.VALID
            summary = f"{operations} operations on {judged} instances: each instance's have an order"
        evidence += [Evidence(title="not judged", text=doubt) for doubt in doubts[:EVIDENCE_LIMIT]]
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence),
            measures={
                "keys": len(found.operations) + found.proven,
                "keys_judged": judged,
                "keys_not_linearizable": bad,
                "operations": operations,
                "most_configurations_for_a_key": most_configurations,
            },
            caveats=CAVEATS,
        )
