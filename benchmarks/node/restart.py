"""How long a node takes to restart with a million entries in its log: processor time and wall clock.

    python benchmarks/node/restart.py [ENTRIES]

Writes the log as a node does (256 entries a frame), starts a real node on it, alone in its cluster, and
asks for its status until it answers, and until it has applied everything. The bound is on the processor
time until it answers. On an idle machine the wall clock shows the same, since reading the log is all
computation. Exits 1 above 5 s.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from clusters import cpu_seconds

from harness.cluster.ports import LOOPBACK, free_ports
from node_impl.core.events import AppendRecord, Entry, HardState
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import InstanceKey, Register
from node_impl.core.storage import OsDisk, WriteAheadLog

BOUND_S = 5.0
PATIENCE_S = 300.0
FRAME_ENTRIES, INSTANCES = 256, 1000


def write_log(folder: Path, entries: int) -> None:
    """Write registrations of some instances, again and again, with 100-byte values."""
    disk = OsDisk(folder)
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(1, "n1")])
    keys = [InstanceKey("bench", f"10.0.{number >> 8}.{number & 255}", 80) for number in range(INSTANCES)]
    payloads = [encode_command(Register(key, metadata={"v": "v" * 100})) for key in keys]
    for first in range(1, entries + 1, FRAME_ENTRIES):
        indices = range(first, min(first + FRAME_ENTRIES, entries + 1))
        log.write([AppendRecord(tuple(Entry(i, 1, "command", payloads[i % INSTANCES]) for i in indices))])
        log.sync()
    disk.close()


def status(port: int) -> dict[str, Any] | None:
    """The node's status; None while it does not answer."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    try:
        connection.request("GET", "/v1/admin/status")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    except OSError:
        return None
    finally:
        connection.close()


def main() -> int:
    """Print the figures, and return the exit status."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        write_log(data, entries)
        http_port, peer_port = free_ports(2)
        command = [sys.executable, "-m", "node_impl", "--name", "n1", "--listen", str(http_port)]
        command += ["--peer-listen", str(peer_port), "--data", str(data), "--trace", f"{scratch}/trace"]
        command += ["--snapshot-entries", str(10 * entries)]
        begun = time.perf_counter()
        node = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            answered = None
            while time.perf_counter() < begun + PATIENCE_S:
                found = status(http_port)
                if found is not None and answered is None:
                    answered = time.perf_counter() - begun, cpu_seconds(node.pid)
                if found is not None and found["applied"] >= entries:
                    break
                time.sleep(0.02)  # asking more often would slow the node
            applied = time.perf_counter() - begun, cpu_seconds(node.pid)
        finally:
            node.kill()
            node.wait()
    assert answered is not None, "the node never answered"
    for what, (wall, cpu) in (("it answers", answered), ("all is applied", applied)):
        print(f"{entries:,} entries: until {what}: {cpu:.2f} s of processor time, {wall:.2f} s by the clock")
    print(f"{answered[1] / BOUND_S:.2f} of the bound of {BOUND_S:g} s")
    return int(answered[1] > BOUND_S)


if __name__ == "__main__":
    sys.exit(main())
