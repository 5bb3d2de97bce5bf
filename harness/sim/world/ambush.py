"""Ambushes in virtual time: they see every process after each of its steps, and strike before anything
else."""

from __future__ import annotations

from typing import Any

from harness.nemesis.mechanisms.cluster import Moment, Strike
from harness.sim.world.process import Process, Surroundings
from history.units import MILLISECOND_NS


class Ambush:
    """One wait for a leader. It is the world's `watcher` until it strikes or its time is over."""

    def __init__(
        self, moment: Moment, by: Strike, after_term: int, within_ms: int, world: Surroundings
    ) -> None:
        self._moment = moment
        self._by = by
        self._after_term = after_term
        self._world = world
        self._until = world.now + within_ms * MILLISECOND_NS
        self.struck: dict[str, Any] | None = None
        """The node that was struck, and its state at that moment."""

    def __call__(self, process: Process) -> None:
        """Strike this process if it leads and is at the moment."""
        if self.struck is not None or self._world.now > self._until:
            self._world.watcher = None
            return
        standing = process.leads_with()
        if standing is None or standing[0] <= self._after_term:
            return
        term, commit, last, has_committed = standing
        if self._moment == "uncommitted" and not (has_committed and last > commit):
            return
        self.struck = {"struck": process.name, "term": term, "commit": commit, "last": last}
        self._world.watcher = None
        self._world.at(self._world.now, self._strike, (process, process.life))

    def _strike(self, target: tuple[Process, int]) -> None:
        process, life = target
        if not process.is_running or process.life != life:
            self.struck = None  # something else at this instant came first
        elif self._by == "kill":
            process.kill("ambush")
        elif not process.is_paused:
            process.pause()
