"""Transactions judged by what the system under test promises, where it says so."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.judges import ISOLATION
from checkers.transactions.consistency import LIST_APPEND, MODELS, ONLY_REGISTERS, STRICT_SERIALIZABLE
from checkers.verdict import Verdict, checked
from history import Recording

CONSISTENCY = "consistency"
"""The option of a recording that names the consistency model which the system promises."""


def models_of(workload: str) -> tuple[str, ...]:
    """The models by which transactions of this workload can be judged."""
    return tuple(model for model in MODELS if workload != LIST_APPEND or model not in ONLY_REGISTERS)


@dataclass(frozen=True)
class PromisedIsolation:
    """Judges transactions by the promised model; by strict serializability where none is stated."""

    workload: str
    name: str = "transactions"

    def judge(self, recording: Recording) -> Verdict:
        """Judge the history's transactions.

        Raises:
            IllegalOperation: the history is not one of this workload, or breaks its rules.
        """
        asked = recording.options.get(CONSISTENCY)
        model = asked if asked in models_of(self.workload) else STRICT_SERIALIZABLE
        return ISOLATION[self.workload](str(model), {}).judge(recording)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)
