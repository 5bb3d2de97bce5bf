"""What `ackproof run --stop-at-violation` costs while a run grows: operations a second, and memory.

    python benchmarks/checkers/while_it_runs.py [OPERATIONS] [--trace-events EVENTS]

For each workload, a process of its own takes the operations of a correct store as lines, one after the other,
writes each into a run's folder as a run does, and gives it to the run's watches (`RunWatch`). With the
`registry`, it also follows the traces of five nodes, which lie in the folder. The store and its 20 clients
are another process: half of the operations write, the keys in use move on, 1 % of the outcomes are unknown.
Timed is the processor time of the whole process that watches, after its imports; the reading of the lines,
which a run does not have, counts too.

Exits 1 if fewer operations a second are watched than Aion's published rate for isolation, if something is
suspected, or if the process has grown by more than a few MiB in the second half of the operations.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BOUND_A_SECOND = 12_000
"""Operations a second, of one core: Aion's rate."""
BOUND_GROWTH_MIB = 4.0
"""How much the process may grow in the second half."""
CLIENTS = 20
UNKNOWN = 0.01
OPERATIONS_A_SLIDE, WIDTH = 40, 6
INSTANCES_A_SERVICE = 4
WORKLOADS = ("register", "registry")
NODES = ("n1", "n2", "n3", "n4", "n5")


class Store:
    """A correct store; each write has a Raft index."""

    def __init__(self, workload: str) -> None:
        self._is_registry = workload == "registry"
        self._values: dict[str, str | None] = {}
        self._index = 0

    def ask(self, step: int, draw: random.Random) -> dict[str, Any]:
        """What a client asks."""
        number = step // OPERATIONS_A_SLIDE + draw.randrange(WIDTH)
        if not self._is_registry:
            if draw.random() < 0.5:
                return {"f": "write", "key": f"register-{number}", "value": f"v{step}"}
            return {"f": "read", "key": f"register-{number}"}
        key = f"svc-{number // INSTANCES_A_SERVICE}/10.0.0.1:{number}"
        roll = draw.random()
        if roll < 0.4:
            return {"f": "register", "key": key, "value": f"r{step}"}
        if roll < 0.5:
            return {"f": "deregister", "key": key}
        if roll < 0.9:
            return {"f": "lookup", "key": key}
        return {"f": "list", "key": key.partition("/")[0]}

    def carry_out(self, call: dict[str, Any]) -> dict[str, Any]:
        """What the store answers."""
        f, key = call["f"], call["key"]
        before = self._values.get(key)
        if f in ("write", "register"):
            self._values[key] = call["value"]
        elif f == "deregister":
            self._values[key] = None
        self._index += f in ("write", "register", "deregister")
        if not self._is_registry:
            return {"value": self._values.get(key) if f == "read" else None}
        if f == "list":
            number = int(key.partition("-")[2]) * INSTANCES_A_SERVICE
            own = (f"10.0.0.1:{number + more}" for more in range(INSTANCES_A_SERVICE))
            held = {name: self._values.get(f"{key}/{name}") for name in own}
            return {"value": {name: id_ for name, id_ in held.items() if id_}, "raft_index": self._index}
        return {"value": self._values[key] if f == "register" else before, "raft_index": self._index}


def lines(workload: str, operations: int) -> Iterator[str]:
    """The history that the clients of a correct store record."""
    draw, store = random.Random(7), Store(workload)
    processes, fresh = list(range(CLIENTS)), CLIENTS
    pending: list[tuple[dict[str, Any], dict[str, Any] | None] | None] = [None] * CLIENTS
    begun = index = 0

    def line(process: int, type_: str, row: dict[str, Any]) -> str:
        return json.dumps({"index": index, "time": index * 1000, "process": process, "type": type_, **row})

    while begun < operations or any(pending):
        client = draw.randrange(CLIENTS)
        open_call = pending[client]
        if open_call is None:
            if begun == operations:
                continue
            call = store.ask(begun, draw)
            pending[client] = call, None
            begun += 1
            yield line(processes[client], "invoke", call)
        elif (reply := open_call[1]) is None:
            pending[client] = open_call[0], store.carry_out(open_call[0])
            continue
        else:
            call = open_call[0]
            pending[client] = None
            own = {"f": call["f"], "key": call["key"]}
            if draw.random() < UNKNOWN and call["f"] not in ("read", "lookup", "list"):
                yield line(processes[client], "info", own)
                processes[client], fresh = fresh, fresh + 1
            else:
                yield line(processes[client], "ok", {**own, **reply})
        index += 1


def watch(folder: Path, workload_name: str, operations: int) -> None:
    """Watch the operations on standard input, as a run does; print what that cost."""
    import msgspec

    from harness.run.folder import RunFolder
    from harness.run.watching.watch import LOOK_EVERY_S, RunWatch
    from harness.workload import workload
    from history import Operation
    from history.stored.store import HistoryWriter

    run = RunFolder(folder)
    nodes = [node for node in NODES if run.trace(node).is_dir()]
    suspected: list[object] = []
    watched = RunWatch(workload(workload_name, NODES, CLIENTS).watches(), run, nodes, suspected.append)
    decoder = msgspec.json.Decoder(Operation)
    grown: list[float] = []

    async def all_of_it() -> None:
        following = asyncio.create_task(watched.follow())
        with HistoryWriter(run.history_lines) as writer:
            for number, line in enumerate(sys.stdin.buffer):
                operation = decoder.decode(line)
                writer.append(operation)
                watched.see(operation)
                if number % 1_000 == 0:
                    await asyncio.sleep(0)
                if number % max(1, 2 * operations // 10) == 0:  # an operation has two lines
                    grown.append(_resident_mib())
        grown.append(_resident_mib())
        while nodes and (used := time.process_time()):
            await asyncio.sleep(2 * LOOK_EVERY_S)  # follow() reads a piece of each trace in that time
            if time.process_time() - used < LOOK_EVERY_S / 20:
                break
        following.cancel()

    begun = time.process_time()
    asyncio.run(all_of_it())
    took = time.process_time() - begun
    print(json.dumps({"took": took, "mib": grown, "suspected": list(map(str, suspected))}))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def measured(workload_name: str, operations: int, trace_events: int) -> dict[str, Any]:
    """What watching that many operations cost."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if trace_events:
            from raft_traces import write

            write(folder / "written", trace_events)
            for node in NODES:
                (folder / "nodes" / node).mkdir(parents=True)
                (folder / "written" / node).rename(folder / "nodes" / node / "trace")
        asked = [sys.executable, __file__, str(operations), "--watch", workload_name, "--folder", temporary]
        child = subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin
        assert child.stdout
        for line in lines(workload_name, operations):
            child.stdin.write(line + "\n")
        child.stdin.close()
        found: dict[str, Any] = json.loads(child.stdout.read())
        child.wait()
        return found


def main() -> int:
    """Measure, print, and return the exit status."""
    asked = argparse.ArgumentParser(description="What watching a run costs while it grows.")
    asked.add_argument("operations", type=int, nargs="?", default=300_000)
    asked.add_argument("--trace-events", type=int, default=300_000)
    asked.add_argument("--watch", help=argparse.SUPPRESS)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.watch:
        watch(options.folder, options.watch, options.operations)
        return 0
    misses = False
    for name, events in (("register", 0), ("registry", 0), ("registry", options.trace_events)):
        found = measured(name, options.operations, events)
        rate, mib = options.operations / found["took"], found["mib"]
        growth = mib[-1] - mib[len(mib) // 2]
        print(
            f"{name}, {options.operations:,} operations, {events:,} events of traces: {found['took']:.2f} s "
            f"of processor time, {rate:,.0f} operations a second; {mib[1]:.0f} MiB after a tenth, "
            f"{mib[-1]:.0f} MiB at the end, {growth:+.1f} MiB in the second half; "
            f"suspected: {found['suspected'] or 'nothing'}"
        )
        slow = not events and rate < BOUND_A_SECOND
        misses |= slow or growth > BOUND_GROWTH_MIB or bool(found["suspected"])
    return int(misses)


if __name__ == "__main__":
    sys.exit(main())
