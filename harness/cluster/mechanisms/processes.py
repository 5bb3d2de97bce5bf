"""Processes of nodes on hosts: they are started, killed, stopped, continued, and slowed down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from harness.cluster.attachment import RunningCluster
from harness.cluster.layout import Life, NodeOnHost
from harness.cluster.writing import write_files
from harness.hosts.host import Background, HostError, eventually, has_ended
from harness.hosts.programs import sampling, slowing
from harness.nemesis.mechanisms.world import DONE, NodeResult
from harness.systems.base import bounds, stop_statuses
from harness.systems.users_code import users_code

STOP_BOUND_S = 3.0
SLOW_BOUND_S = 2.0
POLL_S = 0.05
LOG_LINES = 60
"""How much of a log's end is searched for what ended a program."""
_CAUSE = re.compile(
    r"(Caused by|panic|fatal error|Exception in thread .*|([A-Za-z_]\w*\.)*\w*(Exception|Error)): "
    r"|(?i:([\w./-]+: )*(error: )?(flag provided but not defined|(invalid|unknown|bad|illegal|unexpected|"
    r"unrecognized|unrecognised) (\w+ )?(option|flag|argument|value)s?|ambiguous option)\b)"
)
"""How a line begins that names why a program ended: an error, or an argument that it refuses."""
REPLACED = "next life"
"""What ended a process whose node's main process had ended: the node's next start."""


class HostProcesses:
    """`Processes`: each method is `DONE` once the host, or the node itself, has shown the effect.

    A node may have several processes. They are killed, stopped and continued together.
    """

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    async def kill(self, node: str, by: str) -> NodeResult:
        """End the node's processes with SIGKILL; `DONE` once all have ended."""
        found = self._cluster.nodes[node]
        if not found.running:
            return None
        return await _all(found, lambda one: found.host.kill(one, by=by), "still runs after SIGKILL")

    async def terminate(self, node: str, by: str) -> NodeResult:
        """Ask the node's processes to end, with SIGTERM; `DONE` once all have ended."""
        found, system = self._cluster.nodes[node], self._cluster.system
        if not found.running or any(one.is_stopped for one in found.running):
            return None
        bound_s, statuses = bounds(system).stop_s, stop_statuses(system)
        return await _all(found, lambda one: found.host.terminate(one, by, bound_s, statuses), "does not end")

    async def pause(self, node: str) -> NodeResult:
        """Stop the node's processes with SIGSTOP; `DONE` once the kernel shows all of them stopped."""
        found = self._cluster.nodes[node]
        if not found.running or found.slowing is not None or all(one.is_stopped for one in found.running):
            return None
        return await _all(found, found.host.pause, "does not stop at SIGSTOP")

    async def resume(self, node: str) -> NodeResult:
        """Let paused processes go on with SIGCONT; `DONE` once the kernel shows that all run."""
        found = self._cluster.nodes[node]
        if found.slowing is not None or not any(one.is_stopped for one in found.running):
            return None
        return await _all(found, found.host.resume, "does not go on at SIGCONT")

    async def start(self, node: str) -> NodeResult:
        """Start a node that does not run; `DONE` once it answers. The rest of its last life ends first."""
        cluster, found = self._cluster, self._cluster.nodes[node]
        if found.process is not None or any(one.holds_down(found) for one in cluster.attachments):
            return None
        await asyncio.gather(*[found.host.kill(one, by=REPLACED) for one in found.running])
        for one in cluster.attachments:
            await one.before_start(found)
        with users_code(cluster.system, f"launch of {node}"):
            launch = cluster.system.launch(found.place)
        await write_files(found, launch.files)
        as_user = await _given_to(found, launch.user)
        number = await found.next_life()
        own = {name: value for one in cluster.attachments for name, value in one.environment(found).items()}
        processes = [
            await found.host.start(
                f"{node} {process.name}".strip(),
                (*as_user, *process.argv),
                log=found.place.log.with_stem(process.name) if process.name else found.place.log,
                folder=found.place.folder,
                environment={**process.environment, **own},
                group=node,
            )
            for process in launch.processes
        ]
        life = Life(number, tuple(processes), tuple(process.name for process in launch.processes))
        found.lives.append(life)
        await _sample(found, number, life.main)
        for one in cluster.attachments:
            await one.after_start(found, life.main)
        return await self._until_it_answers(found, life.main)

    async def _until_it_answers(self, node: NodeOnHost, process: Background) -> NodeResult:
        bound_s = bounds(self._cluster.system).start_s
        deadline = asyncio.get_running_loop().time() + bound_s
        while process.is_running:
            if await self._cluster.status(node.place.name) is not None:
                return DONE
            if asyncio.get_running_loop().time() > deadline:
                last = await _last_words(node)
                return f"runs, but gave no status within {bound_s:g} s; the end of its log: {last}"
            await asyncio.sleep(POLL_S)
        return f"ended at its start with status {process.status}: {await _last_words(node)}"


async def _last_words(node: NodeOnHost) -> str:
    """The end of a node's log, in one line."""
    return last_words(await node.host.tail(node.place.log, LOG_LINES))


def last_words(lines: Sequence[str], number: int = 2) -> str:
    """The last of these lines; before them the last that names what ended a program, as other lines may
    follow it: a trace of Java, Go or Python, or the usage after an argument that is refused."""
    said = [line.strip() for line in lines if line.strip()]
    last = said[-number:]
    causes = [line for line in said[:-number] if _CAUSE.match(line)]
    return " | ".join(causes[-1:] + last) or "(the log is empty)"


async def _all(node: NodeOnHost, act: Callable[[Background], Awaitable[bool]], otherwise: str) -> NodeResult:
    """Act on all running processes of a node; `DONE` if each act succeeded, except on those that ended."""
    running = node.running
    done = await asyncio.gather(*[act(process) for process in running])
    for process, is_done in zip(running, done, strict=True):
        if not is_done and not await has_ended(process):
            return otherwise
    return DONE if any(done) else None


async def _given_to(node: NodeOnHost, user: str | None) -> tuple[str, ...]:
    """The words before a command that let it run as a user, who owns the node's folder from now on.

    Raises:
        HostError: there is no such user, or the host's commands are not root's.
    """
    if user is None:
        return ()
    found = await node.host.run(["id", "-g", user])
    given = await node.host.run(["chown", "-R", user, str(node.place.folder)])
    if found.status or given.status:
        why = (found if found.status else given).complaint()
        raise HostError(f"the node must run as the user {user}, who cannot get its folder: {why}")
    return ("setpriv", "--reuid", user, "--regid", found.output.strip(), "--init-groups", "--")


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
        if await eventually(lambda: process.is_stopped, SLOW_BOUND_S):
            return DONE
        return None if await has_ended(process) else "is never stopped"

    async def restore(self, node: str) -> NodeResult:
        """Let the node's process run all the time; `DONE` once nothing stops it any more."""
        found = self._cluster.nodes[node]
        what, process = found.slowing, found.process
        if what is None:
            return None
        if not await found.host.terminate(what, "heal-slow", STOP_BOUND_S):
            await found.host.kill(what, "heal-slow")
        if process is None or not process.is_stopped or await found.host.resume(process):
            return DONE
        return DONE if await has_ended(process) else "does not go on at SIGCONT"
