"""One run of a store in one value: what was tested, and how it ended.

It is loaded for each listing, so it loads nothing that takes long; `reading` makes it from a run's folder.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from checkers.verdict import Validity

RunKind = Literal["run", "simulated", "recorded"]
RunState = Literal["judged", "in progress", "not judged", "damaged", "newer"]


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one run without reading its history."""

    folder: str
    """The path of the run's folder, from the store."""
    kind: RunKind = "run"
    """Whether real processes ran, the simulator did, or a client of the user's was recorded."""
    state: RunState
    """Whether it was judged, still goes on, ended without a verdict, or cannot be read: it is damaged, or a
    newer version wrote it."""
    validity: Validity | None = None
    """The one verdict; null unless it was judged."""
    began_at: str | None = None
    """In UTC: 2026-11-28T13:42:00Z."""
    system: str | None = None
    version: str | None = None
    """The version of the program under test."""
    world: str | None = None
    workload: str | None = None
    """What the clients did; of a recording the model by which it was judged."""
    nemesis: tuple[str, ...] = ()
    """The faults."""
    mutant: str | None = None
    nodes: int | None = None
    seed: int | None = None
    commit: str | None = None
    """The git commit of the folder in which the command was called."""
    ackproof: str | None = None
    """The version of Ackproof that made the run."""
    campaign: str | None = None
    """The folder of the campaign that made the run, from the store."""
    failed: tuple[str, ...] = ()
    """The checkers that found a violation, root causes first."""
    why: str = ""
    """What the first checker says that kept the run from being valid; of a run that cannot be read, what
    is wrong."""
    latency_ms: float | None = None
    """The 99th percentile of the operations that ended ok; null if it was not measured."""
    unavailable_s: float | None = None
    """The longest time without an ok reply; null if it was not measured."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.rpartition("/")[2]

    @property
    def faults_in_words(self) -> str:
        """The faults, as an option would name them."""
        return ",".join(self.nemesis) or "none"


def own_version() -> str:
    """The version of Ackproof that runs."""
    from importlib.metadata import version  # here, since it takes a while

    return version("ackproof")
