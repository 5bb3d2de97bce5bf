"""Recovery: once every fault is healed, the system acknowledges writes again within a bound.

The bound counts from the completion of `final-heal` to the completion of the first acknowledged write that
was invoked after it. The verdict is `invalid` only if clients sent requests, the record goes on for longer
than the bound, and the harness itself ran for longer than the bound without a stall (`stalls`). If the record
ends earlier, or only stalls of the harness made it that long, the verdict is `unknown`. So it is if no
operation of a client ever succeeded: nothing shows that the system, or the clients, ever worked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from checkers.run.faults import FaultOperation, fault_operations
from checkers.run.stalls import Stalls
from checkers.run.vacuity import commonest_error
from checkers.run.writes import WRITES, are_writes
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import seconds
from history import NEMESIS, History, Recording
from history.history import INVOKE, OK
from history.nemesis import FINAL_HEAL, FaultKinds
from history.units import SECOND_NS

DEFAULT_BOUND_S = 10.0


@dataclass(frozen=True)
class Recovery:
    """Judges how soon a write was acknowledged after the final heal, and measures it after other heals."""

    name: str = "recovery"
    writes: tuple[str, ...] = WRITES
    """The operations that are writes."""

    def check(self, recording: Recording) -> Verdict:
        """Look for the first acknowledged write after the final heal."""
        history = recording.history
        bound = recording.options.get("recovery_bound_s", DEFAULT_BOUND_S)
        bound_s = float(bound) if isinstance(bound, int | float) else DEFAULT_BOUND_S
        faults = fault_operations(history)
        writes = _AcknowledgedWrites(history, self.writes)
        kinds = FaultKinds(recording.fault_kinds)
        validity, summary, evidence = _judge(history, faults, writes, bound_s, Stalls.of(recording))
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=() if evidence is None else (evidence,),
            measures={
                "bound_s": bound_s,
                "after_heals": [
                    {
                        "operation": fault.invocation.index,
                        "f": fault.f,
                        "first_ok_write_s": writes.delay_s(fault),
                    }
                    for fault in faults
                    if kinds.is_healing(fault.f)
                ],
                **_longest_silence(history),
            },
        )


class _AcknowledgedWrites:
    """When writes were invoked and acknowledged."""

    def __init__(self, history: History, writes: tuple[str, ...]) -> None:
        columns = history.columns
        completed = np.flatnonzero((columns.type == OK) & are_writes(history, writes))
        self.completed = completed
        self.invoked = history.pairs[completed]
        self._time = columns.time

    def first_after(self, index: int) -> int | None:
        """The completion of the first acknowledged write that was invoked after an operation."""
        after = self.completed[self.invoked > index]
        return int(after[0]) if len(after) else None

    def delay_s(self, fault: FaultOperation) -> float | None:
        """Seconds from the end of a fault operation to the first acknowledged write after it."""
        first = self.first_after(fault.completion.index)
        return None if first is None else (int(self._time[first]) - fault.completion.time) / SECOND_NS


def _judge(
    history: History,
    faults: list[FaultOperation],
    writes: _AcknowledgedWrites,
    bound_s: float,
    stalls: Stalls,
) -> tuple[Validity, str, Evidence | None]:
    heals = [fault for fault in faults if fault.f == FINAL_HEAL]
    if not heals:
        return _unknown("the history has no completed final-heal, so recovery cannot be measured")
    heal = heals[-1]
    failed = [action for action in heal.actions if action.error is not None]
    delay_s = writes.delay_s(heal)
    first = writes.first_after(heal.completion.index)
    if delay_s is not None and delay_s <= bound_s:
        return Validity.VALID, f"the first write was acknowledged {delay_s:.3f} s after the final heal", None

    columns = history.columns
    asked = np.flatnonzero((columns.type == INVOKE) & (columns.process != NEMESIS))
    asked = asked[asked > heal.completion.index]
    recorded_s = (int(columns.time[-1]) - heal.completion.time) / SECOND_NS
    if failed:
        return _unknown(f"the final heal failed: {failed[0].kind}: {failed[0].error}", heal)
    if not len(asked):
        return _unknown("no client sent a request after the final heal", heal)
    if delay_s is None and recorded_s < bound_s:
        return _unknown(
            f"the record ends {recorded_s:.3f} s after the final heal, sooner than "
            f"the bound of {bound_s:g} s",
            heal,
        )
    if not ((columns.type == OK) & (columns.process != NEMESIS)).any():
        return _unknown(f"no operation of a client ever succeeded{commonest_error(history)}", heal)
    end = int(columns.time[-1 if first is None else first])
    if not stalls.ran_longer_than(int(bound_s * SECOND_NS), heal.completion.time, end):
        why = stalls.in_words(heal.completion.time, end)
        return _unknown(
            f"no write was acknowledged within {bound_s:g} s after the final heal, but {why}", heal
        )
    how = (
        f"no write was acknowledged in the {recorded_s:.3f} s up to the end of the record"
        if delay_s is None
        else f"the first write was acknowledged only after {delay_s:.3f} s"
    )
    text = f"The final heal ended at {seconds(heal.completion.time)}; then {how}. The bound is {bound_s:g} s."
    shown = (heal.invocation.index, int(asked[0]), *((first,) if first is not None else ()))
    evidence = Evidence(
        title="the system did not recover after the final heal",
        text=text,
        operations=tuple(sorted({history.number(index) for index in shown})),
    )
    return Validity.INVALID, f"the system did not recover after the final heal: {how}", evidence


def _unknown(reason: str, heal: FaultOperation | None = None) -> tuple[Validity, str, Evidence]:
    operations = () if heal is None else (heal.invocation.index,)
    return (
        Validity.UNKNOWN,
        reason,
        Evidence(title="recovery was not judged", text=f"{reason}.", operations=operations),
    )


def _longest_silence(history: History) -> dict[str, Any]:
    """The longest time in which no client's operation ended `ok`."""
    columns = history.columns
    client = np.flatnonzero(columns.process != NEMESIS)
    if not len(client):
        return {}
    ok = np.flatnonzero((columns.type == OK) & (columns.process != NEMESIS))
    marks = np.concatenate([client[:1], ok, client[-1:]])
    silences = np.diff(columns.time[marks])
    after = len(silences) - 1 - int(np.argmax(silences[::-1]))  # of equal ones the last
    return {
        "longest_without_ok_s": int(silences[after]) / SECOND_NS,
        "longest_without_ok_after_operation": history.number(int(marks[after])),
    }
