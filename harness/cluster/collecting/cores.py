"""Core dumps of nodes that crash, kept next to their logs (`--collect cores`).

The kernel writes a core dump into the folder that a process runs in, if the process's limit allows it and
`core_pattern` is a plain name (core(5)). A pattern that leads elsewhere is refused before the run
(harness/hosts/abilities.py).
"""

from __future__ import annotations

from harness.cluster.attachment import Attachment
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, HostError, has_ended


class CoreDumps(Attachment):
    """Lifts the limit of each process as it starts."""

    async def after_start(self, node: NodeOnHost, process: Background) -> None:
        """Let crashes leave a core from now on; one in the first instants of a life leaves none.

        Raises:
            HostError: the limit cannot be lifted.
        """
        done = await node.host.run(["prlimit", "--pid", str(process.pid), "--core=unlimited:unlimited"])
        if done.status and not await has_ended(process):
            raise HostError(f"{node.place.name}: no core dumps: {done.complaint()}")
