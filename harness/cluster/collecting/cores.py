"""Core dumps of nodes that crash, kept beside their logs (`--collect cores`).

The kernel writes one into the folder a process runs in, where its limit allows and its `core_pattern` is a
plain name (core(5)); a pattern that leads elsewhere is refused before the run (harness/hosts/abilities.py).
"""

from __future__ import annotations

from harness.cluster.attachment import Attachment
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, HostError


class CoreDumps(Attachment):
    """Lifts the limit of each process as it starts."""

    async def after_start(self, node: NodeOnHost, process: Background) -> None:
        """From here on a crash leaves a core; one within the first instants of a life does not.

        Raises:
            HostError: the limit cannot be lifted.
        """
        done = await node.host.run(["prlimit", "--pid", str(process.pid), "--core=unlimited:unlimited"])
        if done.status and process.is_running:
            raise HostError(f"{node.place.name}: no core dumps: {done.complaint()}")
