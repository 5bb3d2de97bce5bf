"""Packet captures: tcpdump at each node writes what goes over the wire (`--collect packets`).

`NAME/packets.pcap` holds the whole packets of the node's own ports and of those at which it dials its peers;
any tool that reads the libpcap format opens it. At the usual rate it grows by some 100 kB a second and node.
`NAME/packets.txt` ends with how many packets the kernel could not keep for tcpdump: a packet that is in no
capture was not sent only if that is 0 (`lost`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from pathlib import Path

from harness.cluster.attachment import Attachment, RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, HostError, eventually_asked
from harness.systems.base import Place

LISTENS_BOUND_S = 5.0
ENDS_BOUND_S = 5.0
LISTENS = "listening on"
"""tcpdump writes this to standard error once packets are being written (tcpdump(1))."""
HANDED_OVER_S = 1.25
"""The kernel hands packets to tcpdump at the latest after 1 s (its time-out in pcap_set_timeout(3)), and the
rest is for a busy machine. What is not handed over when tcpdump ends is lost."""
_DROPPED = re.compile(r"^(\d+) packets? dropped by kernel$", re.MULTILINE)


def capturing(place: Place, file: Path) -> list[str]:
    """The argument list that writes the packets of one node to a file."""
    ports = set(place.ports.values()) | {int(address.rpartition(":")[2]) for address in place.peers.values()}
    loopback = place.host == "localhost" or _is_loopback(place.host)
    return [
        # `any` would show a packet on loopback twice, as it leaves and as it comes.
        *("tcpdump", "-i", "lo" if loopback else "any"),
        # As root, since another user may not write there. Not with --immediate-mode: each packet then takes a
        # slot as long as the longest one, and the kernel keeps eight of them for a tcpdump that has to wait.
        *("-n", "-U", "-Z", "root"),
        *("-w", str(file)),
        " or ".join(f"tcp port {port}" for port in sorted(ports)),
    ]


def lost(words: str) -> int | None:
    """How many packets a capture has lost, by what tcpdump wrote at its end; None if it did not say."""
    count = _DROPPED.search(words)
    return None if count is None else int(count[1])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: not loopback, as far as is known here


class PacketCapture(Attachment):
    """One capture for each node, from before its first start until after its end."""

    def __init__(self, cluster: RunningCluster) -> None:
        super().__init__(cluster)
        self._captures: dict[str, Background] = {}

    async def attach(self, node: NodeOnHost) -> None:
        """Start the capture; done once tcpdump says that it captures."""
        folder = node.place.log.parent
        log = folder / "packets.txt"
        self._captures[node.place.name] = capture = await node.host.start(
            f"the packet capture of {node.place.name}",
            capturing(node.place, folder / "packets.pcap"),
            log=log,
            folder=folder,
        )

        async def listens_or_ended() -> bool:
            return not capture.is_running or any(LISTENS in line for line in await node.host.tail(log, 5))

        if not await eventually_asked(listens_or_ended, LISTENS_BOUND_S) or not capture.is_running:
            words = " | ".join(await node.host.tail(log, 2)) or "it wrote nothing"
            raise HostError(f"{node.place.name}: tcpdump does not capture: {words}")

    async def detach(self, node: NodeOnHost) -> None:
        """End the capture; what went over the wire before is in the file."""
        capture = self._captures.get(node.place.name)
        if capture is not None and capture.is_running:
            await asyncio.sleep(HANDED_OVER_S)  # nothing shows whether the kernel still holds a packet
            await node.host.terminate(capture, "teardown", ENDS_BOUND_S)
