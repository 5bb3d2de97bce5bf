"""The nemesis's operations as checkers read them: what was broken, whether it took effect, when it healed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from history import History, Operation
from history.nemesis import NemesisAction, read_completion


@dataclass(frozen=True)
class FaultOperation:
    """One operation of the nemesis that was completed."""

    invocation: Operation
    completion: Operation
    target: str | None
    leader: str | None
    """The leader before it, as far as it was known."""
    term: int | None
    actions: tuple[NemesisAction, ...]

    @property
    def f(self) -> str:
        """The operation's name: `kill`, `partition`, `heal`, ..."""
        return self.completion.f

    def took(self, kind: str) -> Iterator[NemesisAction]:
        """The actions of that kind that took effect."""
        return (action for action in self.actions if action.kind == kind and action.took_effect)


def fault_operations(history: History) -> list[FaultOperation]:
    """Every completed operation of the nemesis, in order."""
    columns = history.columns
    return [
        _read(history.invocation(history[index]), history[index])
        for index in (columns.process < 0).nonzero()[0].tolist()
        if history[index].type != "invoke"
    ]


def _read(invocation: Operation, completion: Operation) -> FaultOperation:
    read = read_completion(completion.value)
    return FaultOperation(
        invocation=invocation,
        completion=completion,
        target=read.target if isinstance(read.target, str) else None,
        leader=read.leader,
        term=read.term,
        actions=read.actions,
    )
