"""Processes of nodes on hosts: they are started, killed, stopped, continued, and slowed down."""

from __future__ import annotations

import asyncio

from harness.cluster.attachment import RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, eventually
from harness.hosts.programs import sampling, slowing
from harness.nemesis.mechanisms.world import DONE, NodeResult

START_BOUND_S = 10.0
STOP_BOUND_S = 3.0
SLOW_BOUND_S = 2.0
POLL_S = 0.05


class HostProcesses:
    """`Processes`: each method is `DONE` once the host, or the node itself, has shown the effect."""

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    async def kill(self, node: str, by: str) -> NodeResult:
        """End the node's process with SIGKILL; `DONE` once it has ended."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None:
            return None
        return DONE if await found.host.kill(process, by=by) else "still runs after SIGKILL"

    async def terminate(self, node: str, by: str) -> NodeResult:
        """Ask the node's process to end, with SIGTERM; `DONE` once it has ended."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None or process.is_stopped:
            return None
        return DONE if await found.host.terminate(process, by, STOP_BOUND_S) else "does not end"

    async def pause(self, node: str) -> NodeResult:
        """Stop the node's process with SIGSTOP; `DONE` once the kernel shows it stopped."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None or process.is_stopped or found.slowing is not None:
            return None
        return DONE if await found.host.pause(process) else "does not stop at SIGSTOP"

    async def resume(self, node: str) -> NodeResult:
        """Let a paused process go on with SIGCONT; `DONE` once the kernel shows that it runs."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None or not process.is_stopped or found.slowing is not None:
            return None
        return DONE if await found.host.resume(process) else "does not go on at SIGCONT"

    async def start(self, node: str) -> NodeResult:
        """Start a node that does not run; `DONE` once it answers."""
        cluster, found = self._cluster, self._cluster.nodes[node]
        if found.process is not None or any(one.holds_down(found) for one in cluster.attachments):
            return None
        for one in cluster.attachments:
            await one.before_start(found)
        command = cluster.system.command(found.place)
        life = await found.next_life()
        own = {name: value for one in cluster.attachments for name, value in one.environment(found).items()}
        process = await found.host.start(
            node,
            command.argv,
            log=found.place.log,
            folder=found.place.data.parent,
            environment={**command.environment, **own},
        )
        found.lives.append((life, process))
        await _sample(found, life, process)
        for one in cluster.attachments:
            await one.after_start(found, process)
        return await self._until_it_answers(found, process)

    async def _until_it_answers(self, node: NodeOnHost, process: Background) -> NodeResult:
        deadline = asyncio.get_running_loop().time() + START_BOUND_S
        while process.is_running:
            if await self._cluster.status(node.place.name) is not None:
                return DONE
            if asyncio.get_running_loop().time() > deadline:
                return f"runs, but gave no status within {START_BOUND_S:g} s"
            await asyncio.sleep(POLL_S)
        last = " | ".join(await node.host.tail(node.place.log, 2))
        return f"ended at its start with status {process.status}: {last}"


async def _sample(node: NodeOnHost, life: int, process: Background) -> None:
    """Start the program that writes down what this life uses; it ends with the life."""
    folder = node.place.log.parent / "resources"
    await node.host.make_folder(folder)
    await node.host.start(
        f"the program that samples {node.place.name}",
        [node.place.python, "-I", "-S", "-c", sampling.SOURCE, str(process.pid)],
        log=folder / f"{life}.jsonl",
        folder=folder,
    )


class HostProcessorTime:
    """`ProcessorTime`: a program on the node's host stops and continues the node's process."""

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    async def slow(self, node: str, stopped_percent: int) -> NodeResult:
        """Slow the node's process down; `DONE` once it has been seen stopped."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None or process.is_stopped or found.slowing is not None:
            return None
        found.slowing = await found.host.start(
            f"the program that slows {node}",
            [found.place.python, "-c", slowing.SOURCE, str(process.pid), str(stopped_percent)],
            log=found.place.log.with_name("slow.txt"),
            folder=found.place.log.parent,
        )
        seen = await eventually(lambda: process.is_stopped, SLOW_BOUND_S)
        return DONE if seen else "is never stopped"

    async def restore(self, node: str) -> NodeResult:
        """Let the node's process run all the time; `DONE` once nothing stops it any more."""
        found = self._cluster.nodes[node]
        what, process = found.slowing, found.process
        if what is None:
            return None
        if not await found.host.terminate(what, "heal-slow", STOP_BOUND_S):
            await found.host.kill(what, "heal-slow")
        if process is not None and process.is_stopped and not await found.host.resume(process):
            return "does not go on at SIGCONT"
        return DONE
