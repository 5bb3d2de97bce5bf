"""How long each part of judging a run takes, from how much the run recorded.

Measured as processor time on 2026-11-30, in runs of 666 to 178,162 operations and 8,040 to 969,490 events of
traces (docs/results/load.md, "Time left"). Most checkers pass over all traces, so their time grows with the
events. A trace that is larger than `KEPT_BYTES` is not held in memory and is decoded again in each pass, so
an event of it costs more. What a search costs that meets a contradiction is not known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from harness.run.time_limits.reckoning import Part
from history.stored.trace import KEPT_BYTES

MICROSECOND_S = 1e-6
BYTES_AN_EVENT, BYTES_AN_OPERATION = 180, 145
"""About as many bytes has a line of a trace, and of a history."""


class Cost(NamedTuple):
    """Microseconds for each event of a trace, in memory and from disk, and for each line of the history."""

    event: float = 0.0
    streamed: float = 0.0
    operation: float = 0.1


COSTS: Mapping[str, Cost] = {
    "applied-once": Cost(0.25, 9.0, 0.5),
    "beats": Cost(1.0, 4.5, 1.0),
    "bounded-staleness": Cost(0.0, 0.0, 2.4),
    "conformance": Cost(2.9, 10.0, 0.0),
    "convergence": Cost(0.5, 4.5, 0.5),
    "durability": Cost(0.0, 0.0, 2.0),
    "durable-before-acknowledge": Cost(1.1, 4.9, 0.0),
    "election-safety": Cost(1.4, 10.5, 0.0),
    "expiry": Cost(0.2, 2.5, 2.0),
    "instance-durability": Cost(0.0, 0.0, 3.5),
    "linearizability": Cost(0.0, 0.0, 6.0),
    "liveness": Cost(1.1, 8.2, 0.0),
    "lookup-age": Cost(0.0, 0.0, 3.3),
    "membership": Cost(0.23, 4.6, 0.0),
    "session-guarantees": Cost(0.0, 0.0, 12.0),
    "snapshot-safety": Cost(0.1, 2.2, 0.0),
    "transactions": Cost(0.0, 0.0, 30.0),
    "vacuity": Cost(0.0, 2.2, 0.2),
}
"""By checker. Of those that are not here, `OTHER` holds: most of them look at the history alone, or at what
another one has found."""
OTHER = Cost()
USUAL = ("election-safety", "durable-before-acknowledge", "conformance", "liveness", "linearizability")
"""The checkers that take most of the time, until it is known which a run has."""
READING, READ_S = Cost(1.7, 1.6, 6.0), 0.25
EXPLAINING = Cost(2.0, 12.0, 2.0)
REPORTING, REPORT_S = Cost(6.7, 7.5, 3.9), 0.35
STORING, STORE_S = Cost(0.0, 0.0, 3.0), 0.3
"""With the seconds that loading their code takes."""
READ, EXPLAIN, REPORT = "reading", "explaining", "reporting"


class Amount(NamedTuple):
    """How much a run recorded."""

    events: int
    """Of the traces that are held in memory."""
    streamed: int
    """Of the traces that are not."""
    operations: int
    """Lines of the history."""

    @classmethod
    def of_bytes(cls, traces: Iterable[int], history: int) -> Amount:
        """About how much it is, from the sizes of each node's trace and of the history."""
        sizes = list(traces)
        held = sum(size for size in sizes if size <= KEPT_BYTES)
        return cls(
            held // BYTES_AN_EVENT, (sum(sizes) - held) // BYTES_AN_EVENT, history // BYTES_AN_OPERATION
        )

    def seconds(self, cost: Cost) -> float:
        """What that takes."""
        of_traces = self.events * cost.event + self.streamed * cost.streamed
        return (of_traces + self.operations * cost.operation) * MICROSECOND_S


def parts_of_judging(
    amount: Amount, checkers: Iterable[str], *, is_read: bool, is_valid: bool = True, is_new: bool = False
) -> Iterator[Part]:
    """What is to come: reading, each checker, why the run is not valid, and the report.

    Args:
        amount: how much was recorded.
        checkers: the names of those that are still to judge, in their order.
        is_read: whether the recording was read.
        is_valid: whether the run is valid, as far as is known; then there is nothing to explain.
        is_new: whether its history is still to be stored as Parquet.
    """
    if not is_read:
        yield Part(READ, READ_S + amount.seconds(READING))
    for name in checkers:
        yield Part(name, amount.seconds(COSTS.get(name, OTHER)))
    yield Part(EXPLAIN, 0.0 if is_valid else amount.seconds(EXPLAINING))
    storing_s = STORE_S + amount.seconds(STORING) if is_new else 0.0
    yield Part(REPORT, storing_s + REPORT_S + amount.seconds(REPORTING))
