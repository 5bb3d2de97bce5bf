"""How these tests look at a history: who began what, and when."""

from __future__ import annotations

from collections.abc import Iterable

from history import Operation


def invocations(history: Iterable[Operation]) -> list[Operation]:
    return [op for op in history if op.type == "invoke"]


def names(history: Iterable[Operation]) -> list[str]:
    """f of each invocation, in order."""
    return [op.f for op in invocations(history)]


def moves(history: Iterable[Operation]) -> list[tuple[int, int, str]]:
    """(time, process, f) of each invocation, in order."""
    return [(op.time, op.process, op.f) for op in invocations(history)]


def begun(history: Iterable[Operation]) -> list[tuple[int, str]]:
    """(time, f) of each invocation, in order."""
    return [(op.time, op.f) for op in invocations(history)]
