"""The bounds on what is read from files, in one place: any file may have been written by an attacker.

A bound is far above what an honest file holds. A file beyond it is refused with one line, before its content
takes memory or time.
"""

from __future__ import annotations

from typing import Final

MOST_NODES: Final = 99
"""Nodes of one cluster."""
MOST_CLIENTS: Final = 1000
"""Clients of one run."""
MOST_DEPTH: Final = 100
"""Arrays and objects within each other in JSON."""
MOST_DOCUMENT_BYTES: Final = 64 << 20
"""A file that is read as one JSON document."""
MOST_LOG_BYTES: Final = 256 << 20
"""What the processes of one node printed; of more, none is read."""
LONGEST_LINE_BYTES: Final = 64 << 20
"""One line of a history, of a trace, or of what a process printed."""
MOST_TOKENS_OF_AN_EVENT: Final = 10_000_000
"""Numbers, texts and brackets of one event in EDN. A set that is read whole is one event."""
LARGEST_NUMBER: Final = (1 << 63) - 1
"""Numbers have 64 bits."""
LARGEST_TERM: Final = (1 << 40) - 1
"""A term of Raft, or an index in its log: some billions of writes a second for minutes."""
MOST_LIVES: Final = 1 << 20
"""Lives of one node."""
MOST_EVENTS_OF_A_LIFE: Final = 1 << 34
"""Lines of one trace file."""
ENTRIES_BEFORE_TRACES: Final = 1 << 18
"""Log entries that a cluster may hold from before its first traced line."""
LEAST_BYTES_OF_AN_ENTRY: Final = 32
"""What one entry of a log takes in a trace file."""
MOST_STEPS: Final = 100_000
"""Steps of a schedule, and as many scheduled faults and overrides of each kind."""
LONGEST_SIMULATION_S: Final = 3600
"""Simulated seconds of work and faults in a schedule."""


def longest_log(trace_bytes: int) -> int:
    """The most entries that a log can have, where the traces of all nodes take this many bytes.

    Each entry stands in at least one node's trace, in the line that appended it. A longer log is a damaged
    number, and would take memory without end.
    """
    return ENTRIES_BEFORE_TRACES + trace_bytes // LEAST_BYTES_OF_AN_ENTRY
