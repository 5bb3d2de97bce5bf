"""What the system under test cannot give, whatever happens in a run, as its declaration says.

A checker that needs such evidence is not applicable to the system. Evidence that a system should give and
that is not there is missing, and makes a verdict `unknown`.
"""

from __future__ import annotations

from typing import Literal

from history import Recording

GivenEvidence = Literal["traces", "indices"]
"""Traces of what each node does (docs/trace-format.md); in each reply, the Raft index of the operation."""
LackedEvidence = GivenEvidence | Literal["contents", "habits"]
"""Also: what each message of a trace says, which some traces leave out; and how nodes behave where Raft
leaves a choice: when a leader that hears no other stops, what is sent while nothing happens."""
LACKS = "lacks"
"""The option of a recording that lists what its system lacks."""


def lacks(recording: Recording, evidence: LackedEvidence) -> bool:
    """Whether the system of this run declares that it cannot give this evidence."""
    listed = recording.options.get(LACKS)
    return isinstance(listed, list | tuple) and evidence in listed
