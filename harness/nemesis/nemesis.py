"""The nemesis of one run: several fault packages as one, and how one of its operations is performed.

A completion is always `info`, with the value

```
{"target": what the invocation aimed at,          absent where it aimed at nothing
 "leader": who led just before, or null, "term": in which term, or null,
 "actions": [{"kind": "Kill", "nodes": [...], "links": [[from, to], ...],
              "with": {...},                          what else was asked for; absent if nothing
              "took_effect": bool, "details": {...}, "error": why not, or null}],
 NAME: {...}}                                         of a package with a course of its own: what it tells
```

`took_effect` is what the world observed, not what it was asked for. Nothing here raises: an operation
that cannot be carried out says why, in its `error` or in an action's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from harness.generator.base import Generator, GeneratorLike
from harness.generator.draw import Draw
from harness.generator.order import phases
from harness.nemesis.base import Action, ClusterView, Heal, Outcome, Resume, Start, World
from harness.nemesis.package import FaultPackage
from harness.nemesis.schedule import Pace, schedule
from harness.nemesis.targets import TargetError
from history import Operation

FINAL_HEAL = "final-heal"


class Nemesis(msgspec.Struct, frozen=True):
    """Fault packages as one. Of no packages it does nothing but heal at the end."""

    packages: tuple[FaultPackage, ...]
    pace: Pace = Pace()
    schedule: str = "rounds"
    """One of `SCHEDULES`, or times that were written down (schedule.py)."""

    @property
    def generator(self) -> Generator:
        """The schedule: without end, for the nemesis's thread."""
        return schedule(self.packages, self.pace, self.schedule)

    @property
    def final(self) -> GeneratorLike:
        """What mends everything, whatever was broken: links, paused processes, killed processes; then what
        has a course of its own is led back."""
        machines = [package.machine for package in self.packages if package.machine is not None]
        heal = {"f": FINAL_HEAL}
        return phases(heal, *[machine.restore() for machine in machines]) if machines else heal

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The actions for an operation, by the package that handles its `f`.

        Raises:
            TargetError: no package handles it, or it names a target that its package does not know.
        """
        if operation.f == FINAL_HEAL:
            every = tuple(view.nodes)
            own = [
                action
                for package in self.packages
                if package.machine is None
                for action in package.planner.plan(
                    msgspec.structs.replace(operation, f=package.end), view, draw
                )
            ]
            # Of equal actions the last: what ended is started once what made it end is mended.
            planned = [*own, Heal(), Resume(every), Start(every)]
            return tuple(reversed(dict.fromkeys(reversed(planned))))
        for package in self.packages:
            if operation.f in package.fs:
                return package.planner.plan(operation, view, draw)
        known = [f for package in self.packages for f in package.fs]
        raise TargetError(f"no fault package handles {operation.f!r}; there are {', '.join(known) or 'none'}")

    async def perform(self, operation: Operation, world: World, seed: int) -> Operation:
        """Observe, plan, carry out, and say what came of it.

        Args:
            operation: an invocation with its index: it and the seed determine what the planner draws.
        """
        view = await world.observe()
        leader = view.leader()
        value: dict[str, Any] = {
            "leader": leader,
            "term": view.nodes[leader].term if leader is not None else None,
            "actions": [],
        }
        if isinstance(operation.value, Mapping) and "target" in operation.value:
            value = {"target": operation.value["target"], **value}
        error: str | None = None
        try:
            actions = self.plan(operation, view, Draw.at(seed, operation.index).bits("nemesis"))
        except TargetError as problem:
            actions, error = (), str(problem)
        done = [(action, await world.carry_out(action)) for action in actions]
        value["actions"] = [_told(action, outcome) for action, outcome in done]
        for package in self.packages:
            if package.machine is not None and operation.f in package.fs:
                value[package.name] = package.machine.tell(operation, view, done)
        return msgspec.structs.replace(operation, type="info", value=value, error=error)


def _told(action: Action, outcome: Outcome) -> dict[str, Any]:
    """An action and its outcome, as the history keeps them."""
    more = {name: value for name, value in structs.asdict(action).items() if name not in ("nodes", "links")}
    return {
        "kind": type(action).__name__,
        "nodes": list(getattr(action, "nodes", ())),
        "links": [list(link) for link in getattr(action, "links", ())],
        **({"with": more} if more else {}),
        "took_effect": outcome.took_effect,
        "details": dict(outcome.details),
        "error": outcome.error,
    }


def compose(packages: Sequence[FaultPackage]) -> Nemesis:
    """Several packages as one nemesis.

    Raises:
        ValueError: two of them handle the same operation.
    """
    handler: dict[str, str] = {}
    for package in packages:
        for f in package.fs:
            if handler.setdefault(f, package.name) != package.name:
                raise ValueError(f"the packages {handler[f]} and {package.name} both handle {f!r}")
    return Nemesis(tuple(packages))
