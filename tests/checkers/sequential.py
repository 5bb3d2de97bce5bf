"""Histories of a system that does one thing after the other, as clients at work side by side record them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.checkers.builders import HistoryBuilder

Call = tuple[str, str | None, Any]
"""f, key, value."""


def side_by_side(
    random: Random,
    steps: int,
    invent: Callable[[], Call],
    effect: Callable[[str, str | None, Any], Any],
    *,
    processes: int = 3,
    refused: float = 0.07,
    lost: float = 0.1,
) -> HistoryBuilder:
    """Each operation takes effect at one moment between its ends; what it then gives is its reply.

    Some are refused and take none; of some the reply is lost (`info`), and these take effect at any later
    moment, or never. Whatever is pending at the end stays so, or is answered.
    """
    built = HistoryBuilder()
    pending: dict[int, dict[str, Any]] = {}
    adrift: list[dict[str, Any]] = []
    threads = list(range(processes))
    fresh = processes

    def take_effect(op: dict[str, Any]) -> None:
        if not op["done"]:
            op["done"], op["result"] = True, effect(*op["call"])

    for _ in range(steps):
        if adrift and random.random() < 0.1:
            take_effect(adrift.pop(random.randrange(len(adrift))))
        thread = random.randrange(processes)
        process = threads[thread]
        op = pending.get(process)
        if op is None:
            call = invent()
            built.invoke(process, *call)
            pending[process] = {"call": call, "done": False}
        elif not op["done"] and random.random() < 0.5:
            take_effect(op)
        else:
            del pending[process]
            fate = random.random()
            if fate < refused and not op["done"]:
                built.complete(process, "fail", error="refused")
            elif fate > 1 - lost:
                built.complete(process, "info", error="timed out")
                adrift.append(op)
                threads[thread], fresh = fresh, fresh + 1
            else:
                take_effect(op)
                built.ok(process, op["result"])
    for process, op in pending.items():
        if random.random() < 0.7:
            take_effect(op)
            built.ok(process, op["result"])
    for op in adrift:
        if random.random() < 0.5:
            take_effect(op)
    return built


def replies(built: HistoryBuilder, f: str) -> list[int]:
    """Where `ok` replies of that kind stand."""
    return [op.index for op in built.operations if op.type == "ok" and op.f == f]
