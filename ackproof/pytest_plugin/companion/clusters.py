"""The clusters of tests, each with its recorded history: what tests do to them, and how they are judged.

A cluster's folder holds `nodes/`, with each node's log, trace and data, and `recorded/`, with the history.
When the history is judged, it is copied into the folder of a recording (harness/recording/folder.py), which
`ackproof analyze` judges again.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ackproof.judging.recorded import judge_recorded, question_of
from ackproof.pytest_plugin.companion.seeds import in_plain
from ackproof.pytest_plugin.companion.worlds import DrivenCluster, faults_of, started
from checkers.run.vacuity import SWALLOWED
from harness.errors import CouldNotRun, unknown_name
from harness.nemesis import NEMESES
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start, Terminate
from harness.recording.folder import Asked, RecordedFolder
from harness.recording.journal import Journal
from harness.recording.protocol import Complete, Invoke
from harness.recording.refusals import REFUSED
from harness.run.seal import seal
from history import NEMESIS, Operation
from history.units import SECOND_NS

ACTS: Mapping[str, type[Kill] | type[Terminate] | type[Start] | type[Pause] | type[Resume]] = {
    "kill": Kill,
    "terminate": Terminate,
    "start": Start,
    "pause": Pause,
    "resume": Resume,
}
"""What a test can do to nodes by itself, without a fault that is healed later."""
HISTORY = "history.jsonl"


class RecordedCluster:
    """One cluster of a test, and the history of what the test did with it."""

    def __init__(self, cluster: DrivenCluster, faults: Sequence[str], folder: Path) -> None:
        self._cluster = cluster
        self._faults = {name.partition(":")[0]: NEMESES[name.partition(":")[0]] for name in faults}
        self._recorded = folder / "recorded"
        self._recorded.mkdir()
        self._journal = Journal(self._recorded, cluster.now_ns(), clock_ns=cluster.now_ns)
        self._on: dict[str, bool] = {}
        """The faults that are on, and whether each must take effect."""
        self._has_ended = False

    # ---- the history -----------------------------------------------------------------------------------

    def invoke(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Record that an operation begins, before its request leaves; the number by which it is completed."""
        stored = self._journal.invoke(msgspec.convert(_raw(operation), Invoke))
        return {"operation": stored.operation, "process": stored.process}

    def complete(self, operation: Mapping[str, Any]) -> None:
        """Record how an operation ended."""
        self._journal.complete(msgspec.convert(_raw(operation), Complete))

    async def perform(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an operation by the system's own client, and record it; how it ended."""
        stored = self.invoke(operation)
        node = operation.get("node") or self._node_of(int(operation["process"]))
        invocation = Operation(
            index=stored["operation"],
            time=self._cluster.now_ns(),
            process=stored["process"],
            type="invoke",
            f=operation["f"],
            key=operation.get("key"),
            value=operation.get("value"),
            node=node,
        )
        try:
            done = await self._cluster.perform(invocation)
        except ValueError as error:  # the client has no such operation: nothing was sent
            self.complete({"operation": stored["operation"], "type": "fail", "error": str(error)})
            raise
        how = {"type": done.type, "value": msgspec.to_builtins(done.value), "error": done.error}
        self.complete({"operation": stored["operation"], **how})
        return how

    def _node_of(self, process: int) -> str:
        names = list(self._cluster.members)
        return names[process % len(names)]

    # ---- faults ----------------------------------------------------------------------------------------

    async def begin_fault(self, name: str, target: Any, must_show: bool = True) -> dict[str, Any]:
        """Let a fault begin.

        Args:
            must_show: whether it is an error if nothing of it takes effect, here or by its end.

        Returns:
            Its actions, and whether it is on now.

        Raises:
            ValueError: the cluster has no such fault, the fault is on already, or there is no such target.
            CouldNotRun: nothing of it took effect.
        """
        if name not in self._faults:
            raise ValueError(f"{unknown_name('fault of this cluster', name, self._faults)} (faults=...)")
        if name in self._on:
            raise ValueError(f"{name} is on already, and its end would end both; end the first one before")
        fault = self._faults[name]
        aimed = fault.targets[0] if target is None else target
        found = await self._do(fault.begin, {"target": aimed})
        if not must_show and not found["error"] and not found["actions"]:
            return {**found, "is_on": False}
        if found["error"] or not found["actions"]:
            why = found["error"] or f"there is nothing that {name} of {aimed} could do now"
            raise ValueError(f"{name} did not begin: {why}")
        wrong = [action for action in found["actions"] if action["took_effect"] is False]
        if wrong and must_show:
            await self._do(fault.end, None)
            why = "; ".join(action["error"] or f"{action['kind']} changed nothing" for action in wrong)
            raise CouldNotRun(f"{name} took no effect: {why}")
        self._on[name] = must_show
        return {**found, "is_on": True}

    async def end_fault(self, name: str) -> dict[str, Any]:
        """Heal a fault.

        Raises:
            CouldNotRun: it cannot be healed, or it shows only now that nothing of it took effect.
        """
        found = await self._do(self._faults[name].end, None)
        must_show = self._on.pop(name, True)
        errors = [found["error"], *(action["error"] for action in found["actions"])]
        if any(errors):
            raise CouldNotRun(f"{name} was not healed: {'; '.join(filter(None, errors))}")
        loses = self._faults[name].proof == "traffic lost"
        if must_show and loses and not _lost_traffic(found["actions"]):
            raise CouldNotRun(f"{name} took no effect: no message was lost on the links that it struck")
        return found

    async def act(self, what: str, nodes: Sequence[str]) -> dict[str, Any]:
        """Kill, terminate, start, pause or resume some nodes.

        Raises:
            ValueError: there is no such node.
            CouldNotRun: it was not done.
        """
        for name in nodes:
            if name not in self._cluster.members:
                raise ValueError(unknown_name("node", name, self._cluster.members))
        action: Action = ACTS[what](tuple(nodes))
        outcome = await self._cluster.act(action)
        if outcome.error is not None:
            raise CouldNotRun(f"{action.words()}: {outcome.error}")
        return {"changed": list(outcome.details.get("changed", ()))}

    async def _do(self, f: str, value: Any) -> dict[str, Any]:
        """Carry out an operation of the nemesis, and record it."""
        line = Operation(index=-1, time=0, process=NEMESIS, type="invoke", f=f, value=value)
        invocation = self._journal.keep_nemesis(line)
        done = await self._cluster.perform_fault(invocation)
        self._journal.keep_nemesis(done)
        actions = [
            {name: action.get(name) for name in ("kind", "nodes", "links", "took_effect", "details", "error")}
            for action in msgspec.to_builtins(done.value)["actions"]
        ]
        return {"error": done.error, "actions": actions}

    # ---- what is known ---------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """By node, what it says of itself; and the leader that a majority names."""
        view = await self._cluster.observe()
        return {"nodes": msgspec.to_builtins(view.nodes), "leader": view.agreed_leader()}

    async def wait_for_leader(self) -> str:
        """The leader that a majority names, once there is one."""
        return await self._cluster.wait_for_leader()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._cluster.sleep(seconds)

    def ended_by_themselves(self) -> list[str]:
        """The nodes whose processes ended although nothing ended them, in words."""
        return [
            f"{life.node} ended by itself with status {life.status}, "
            f"{life.ended_at / SECOND_NS:.2f} s after the start"
            for life in self._cluster.lives()
            if life.ended_by is None and life.ended_at is not None
        ]

    # ---- the end ---------------------------------------------------------------------------------------

    def check(
        self, store: Path, model: str, consistency: str | None, options: Mapping[str, str]
    ) -> dict[str, Any]:
        """End the history and judge it, into a folder of its own.

        Raises:
            ValueError: there is no such model or option.
            HistoryError: the history has an operation that the model lacks.
        """
        asked = Asked(model, consistency, options)
        question_of(asked)
        self._journal.end()
        self._has_ended = True
        folder = RecordedFolder.create(store, asked, ("pytest",), None)
        for name in (HISTORY, REFUSED):
            if (self._recorded / name).exists():
                shutil.copyfile(self._recorded / name, folder.path / name)
        seal(folder.path)
        return in_plain(judge_recorded(folder), folder.run)

    async def close(self) -> list[str]:
        """End the nodes; give the nodes that had ended by themselves."""
        ended = self.ended_by_themselves()
        self._journal.end()
        await self._cluster.close()
        return ended


class Clusters:
    """All clusters of the tests of one pytest process, by number."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._clusters: dict[int, RecordedCluster] = {}

    def get(self, cluster: int) -> RecordedCluster:
        """The cluster of that number."""
        return self._clusters[cluster]

    async def start(
        self, options: Mapping[str, Any], folder: str, base_port: int | None = None
    ) -> dict[str, Any]:
        """Start a cluster; its number, and where its nodes are."""
        path = Path(folder)
        await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        made = await started(options, path / "nodes", base_port)
        number = next(self._numbers)
        self._clusters[number] = RecordedCluster(made, faults_of(options), path)
        return {"cluster": number, "members": msgspec.to_builtins(made.members)}

    async def close(self, cluster: int) -> list[str]:
        """End a cluster; the nodes that had ended by themselves, in words."""
        return await self._clusters.pop(cluster).close()

    async def close_all(self) -> None:
        """End every cluster that is left."""
        for number in list(self._clusters):
            await self.close(number)


def _lost_traffic(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what healed links says that they had lost something."""
    return any(action["details"].get(name) for action in actions for name in SWALLOWED)


def _raw(operation: Mapping[str, Any]) -> dict[str, Any]:
    """An operation as the protocol of recordings has it: the value as JSON text."""
    given = {name: value for name, value in operation.items() if value is not None or name == "value"}
    if "value" in given:
        given["value"] = msgspec.Raw(msgspec.json.encode(given["value"]))
    return given
