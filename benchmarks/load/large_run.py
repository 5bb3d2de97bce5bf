"""A run of ten million operations: memory while it is streamed to disk, and while it is analyzed.

    python benchmarks/load/large_run.py [--operations 10000000] [--clients 10] [--keep FOLDER] [--alike]

The run has a client that answers at once (null_client.py). An operation is two lines of the history, an
invocation and a completion. Both parts are processes of their own, of which the kernel says the greatest
memory; the run also prints it at each tenth, so that it shows whether it grows. With `--alike` there is no
run: its history is written (alike.py), and only `analyze` is measured. Exits 1 if the verdict is not `valid`
or a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from alike import write_alike
from null_client import NODES, WORKLOAD, run_null

from checkers.lacking import LACKS
from harness.run.folder import RunFolder
from harness.run.test import Test
from history import HistoryWriter, NodeLife, Operation

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
STREAMING_MB, ANALYZING_MB = 500, 2000
PAGE = os.sysconf("SC_PAGE_SIZE")


def streamed(store: Path, operations: int, clients: int, *, alike: bool) -> Path:
    """Do the run, in this process; its folder. Print the memory at each tenth.

    alike: the history is written without a run.
    """
    test = Test(nodes=NODES, workload=WORKLOAD, nemesis=(), concurrency=clients)
    folder = RunFolder.create(store, test)
    folder.write_test(test, 0, ["ackproof"], {LACKS: ["traces", "indices"]})
    begun = time.monotonic_ns()
    if alike:
        lines, used = write_alike(folder.history_lines, operations, clients), time.process_time()
    else:
        lines, used = run_streamed(folder.history_lines, operations, clients)
    ended = time.monotonic_ns() - begun
    folder.write_lives([NodeLife(name, 1, 1, 0, ended, -15, "teardown") for name in NODES])
    for name in NODES:
        folder.node(name).mkdir(parents=True)
        folder.log(name).touch()
    folder.write_lag([])
    folder.seal()
    size = folder.history_lines.stat().st_size
    print(f"  {lines:,} lines, {lines / used:,.0f} a second of processor time, {size / lines:.0f} bytes each")
    return folder.path


def run_streamed(path: Path, operations: int, clients: int) -> tuple[int, float]:
    """Run against the client that answers at once: how many lines, and the processor time in seconds."""
    with HistoryWriter(path) as writer:
        lines = 0

        def record(operation: Operation) -> None:
            nonlocal lines
            writer.append(operation)
            lines = operation.index + 1
            if operation.index % (operations // 5) == 0:
                print(f"  {operation.index:>12,} lines: {resident_mb():.0f} MB", flush=True)

        used = run_null(clients, operations, record)
    return lines, used


def resident_mb() -> float:
    """The memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def measured(command: list[str], output: int | None = None) -> tuple[int, float, float, str]:
    """The exit code, the greatest memory in MB, the processor time in seconds, and what was printed."""
    process = subprocess.Popen(command, stdout=output, text=True)
    printed = process.stdout.read() if process.stdout is not None else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime, printed


def main() -> int:
    """Print what both parts take, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=10_000_000)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="where the run's folder stays")
    parser.add_argument("--alike", action="store_true", help="write such a history, without a run")
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream is not None:
        streamed(options.stream, options.operations, options.clients, alike=options.alike)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        store = options.keep or Path(temporary)
        own = [sys.executable, __file__, "--stream", str(store), "--operations", str(options.operations)]
        begun = time.monotonic()
        own += ["--clients", str(options.clients), *["--alike"] * options.alike]
        code, streaming_mb, used_s, _ = measured(own)
        how = "writing" if options.alike else "streaming"
        print(f"{how}: at most {streaming_mb:.0f} MB, {used_s:.0f} s of processor time", flush=True)
        argv = [ACKPROOF, "analyze", str(store / "latest"), "--json"]
        code, analyzing_mb, used_s, printed = measured(argv, subprocess.PIPE)
        validity = json.loads(printed)["validity"]
        print(f"analyze: at most {analyzing_mb:.0f} MB, {used_s:.0f} s of processor time, {validity}")
        print(f"{time.monotonic() - begun:.0f} s in all, load {os.getloadavg()[0]:.1f}")
    return int(code != 0 or streaming_mb > STREAMING_MB or analyzing_mb > ANALYZING_MB)


if __name__ == "__main__":
    sys.exit(main())
