"""Histories and recordings in a few words, for tests of checkers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from checkers.raft import NOT_IN_EVERY_RUN
from checkers.verdict import Unjudged, Validity, Verdict
from history import NEMESIS, History, NodeLife, NodeTrace, Operation, Recording
from history.units import MILLISECOND_NS

NODES = ("n1", "n2", "n3")
WRITES = ("register", "update", "deregister")


class HistoryBuilder:
    """Records operations in order; each is one millisecond after the last unless `wait` adds to that."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.now = 0
        self._pending: dict[int, Operation] = {}
        self._fresh = 1000
        self.applied: list[int] = []
        """The operation id that stands at each Raft index, where `simulate` made the history."""
        self.final_state: dict[str, str] = {}
        self.final_index = 0

    def _record(self, process: int, type_: str, f: str, key: str | None, value: Any, **more: Any) -> int:
        self.now += MILLISECOND_NS
        operation = Operation(len(self.operations), self.now, process, type_, f, key, value, **more)  # type: ignore[arg-type]
        self.operations.append(operation)
        return operation.index

    def invoke(self, process: int, f: str, key: str | None = None, value: Any = None, **more: Any) -> int:
        """Begin; the index of the invocation."""
        index = self._record(process, "invoke", f, key, value, **more)
        self._pending[process] = self.operations[index]
        return index

    def complete(self, process: int, type_: str, value: Any = None, **more: Any) -> int:
        """End what that process began; the index of the completion."""
        begun = self._pending.pop(process)
        more.setdefault("node", begun.node)
        return self._record(process, type_, begun.f, begun.key, value, **more)

    def ok(self, process: int, value: Any = None, **more: Any) -> int:
        """End it as `ok`."""
        return self.complete(process, "ok", value, **more)

    def do(
        self, f: str, key: str | None, value: Any = None, result: Any = None, type_: str = "ok", **more: Any
    ) -> int:
        """One whole operation with nothing beside it, by a process of its own; the completion's index."""
        self._fresh += 1
        self.invoke(self._fresh, f, key, value, node=more.get("node"))
        return self.complete(self._fresh, type_, result, **more)

    def nemesis(self, f: str, value: Any = None, after_ms: int = 1) -> int:
        """One operation of the nemesis; the completion's index."""
        self.invoke(NEMESIS, f)
        self.now += after_ms * MILLISECOND_NS
        return self.complete(NEMESIS, "info", value)

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds * MILLISECOND_NS

    def history(self) -> History:
        """What was recorded so far."""
        return History(self.operations)


def recording(
    history: History | HistoryBuilder | None = None,
    *,
    nodes: tuple[str, ...] = NODES,
    traces: Mapping[str, NodeTrace] | None = None,
    options: Mapping[str, Any] | None = None,
    lives: Iterable[NodeLife] = (),
    **more: Any,
) -> Recording:
    """A recording with nothing in it but what is given."""
    if history is None:
        history = History([])
    if isinstance(history, HistoryBuilder):
        history = history.history()
    return Recording(
        nodes=nodes,
        history=history,
        traces=traces or {},
        options=options or {},
        lives=tuple(lives),
        **more,
    )


def not_fine(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """By Raft checker that is neither valid nor, where a good run may lack what it looks at, not exercised:
    its summary."""
    return {
        verdict.checker: verdict.summary
        for verdict in verdicts
        if verdict.mark is not Validity.VALID
        and not (verdict.mark is Unjudged.NOT_EXERCISED and verdict.checker in NOT_IN_EVERY_RUN)
    }


def simulate(random: Random, *, keys: tuple[str, ...], steps: int, processes: int = 3) -> HistoryBuilder:
    """A correct registry's history: every operation takes effect at one moment between its ends.

    Operations overlap; some are lost track of (`info`) and take effect at any later moment or never;
    some are refused (`fail`). Each call draws all its choices from `random`.
    """
    built = HistoryBuilder()
    state: dict[str, str] = {}
    index = 0
    pending: dict[int, dict[str, Any]] = {}
    adrift: list[dict[str, Any]] = []
    next_process = processes
    threads = list(range(processes))

    def take_effect(op: dict[str, Any]) -> None:
        nonlocal index
        if op["done"]:
            return
        op["done"] = True
        key = op["key"]
        match op["f"]:
            case "register":
                index += 1
                built.applied.append(op["id"])
                state[key] = op["value"]
                op["result"] = op["value"]
            case "update":
                index += 1
                built.applied.append(op["id"])
                op["result"] = op["value"] if key in state else False
                if key in state:
                    state[key] = op["value"]
            case "deregister":
                index += 1
                built.applied.append(op["id"])
                op["result"] = state.pop(key, None)
            case "lookup":
                op["result"] = state.get(key)
            case "list":
                op["result"] = {
                    k.partition("/")[2]: v for k, v in state.items() if k.partition("/")[0] == key
                }
        op["index"] = index

    for number in range(steps):
        thread = random.randrange(processes)
        process = threads[thread]
        op = pending.get(process)
        if adrift and random.random() < 0.15:
            take_effect(adrift.pop(random.randrange(len(adrift))))
        if op is None:
            f = random.choice(["register", "register", "update", "deregister", "lookup", "lookup", "list"])
            key = random.choice(keys)
            if f == "list":
                key = key.partition("/")[0]
            value = f"r{number}" if f in ("register", "update") else None
            begun = built.invoke(process, f, key, value)
            pending[process] = {"f": f, "key": key, "value": value, "done": False, "id": begun}
            continue
        if not op["done"] and random.random() < 0.5:
            take_effect(op)
            continue
        del pending[process]
        fate = random.random()
        if fate < 0.12 and op["f"] in WRITES:
            built.complete(process, "info", error="timed out")
            adrift.append(op)
        elif fate < 0.2 and not op["done"]:
            built.complete(process, "fail", error="refused")
            continue
        else:
            take_effect(op)
            built.ok(process, op["result"], raft_index=op["index"])
            continue
        threads[thread] = next_process
        next_process += 1
    for op in adrift:
        if random.random() < 0.5:
            take_effect(op)
    for process, op in pending.items():
        if random.random() < 0.5:
            take_effect(op)
            if op["f"] in WRITES:
                built.ok(process, op["result"], raft_index=op["index"])
        elif random.random() < 0.5:
            take_effect(op)
    built.final_state = dict(state)
    built.final_index = index
    return built


def final_reads(
    built: HistoryBuilder,
    state: Mapping[str, str],
    raft_index: int,
    *,
    services: Iterable[str],
    nodes: tuple[str, ...] = NODES,
) -> None:
    """Every service from every node, linearizable and local, as the state says."""
    for f in ("final-list", "final-local"):
        for node in nodes:
            for service in services:
                listing = {
                    key.partition("/")[2]: id_
                    for key, id_ in state.items()
                    if key.partition("/")[0] == service
                }
                built.do(f, service, None, listing, node=node, raft_index=raft_index)
