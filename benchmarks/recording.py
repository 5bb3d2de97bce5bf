"""What `ackproof record` takes in from one client: operations a second, over HTTP and as lines.

    python -m benchmarks.recording [--operations 5000] [--rounds 3]

An operation is an invocation and a completion, each answered before the next is sent, by one client that is
plain Python with one connection. The client, the recorder and everything else on the machine share its cores:
the processor time of the recorder for an operation says more than the rate. Exits 1 if the recorder needs
more processor time for an operation than the bound.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
BOUND_US = 1200.0
"""Processor microseconds of the recorder for an operation."""
TICKS = os.sysconf("SC_CLK_TCK")


class Figures(NamedTuple):
    """One round."""

    rate: float
    """Operations a second."""
    cost_us: float
    """The recorder's processor time for an operation."""


def processor_s(pid: int) -> float:
    """User and system time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def timed(
    recorder: subprocess.Popen[bytes], operations: int, report: Callable[[str, object], None]
) -> Figures:
    """Report this many operations."""
    report("status", None)
    used, begun = processor_s(recorder.pid), time.perf_counter()
    for number in range(operations):
        report("invoke", {"process": 0, "f": "write", "key": "x", "value": number})
        report("complete", {"process": 0, "type": "ok", "value": None})
    took, cost = time.perf_counter() - begun, processor_s(recorder.pid) - used
    report("end", {})
    return Figures(operations / took, cost / operations * 1e6)


def over_http(store: str, operations: int) -> Figures:
    """One round over one HTTP connection that stays open."""
    argv = [ACKPROOF, "record", "--model", "register", "--listen", "127.0.0.1:0", "--store", store]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as recorder:
        assert recorder.stderr is not None
        address = re.search(rb"http://([\d.]+):(\d+)", recorder.stderr.readline())
        assert address is not None
        connection = http.client.HTTPConnection(address[1].decode(), int(address[2]))

        def report(kind: str, fields: object) -> None:
            connection.request("GET" if kind == "status" else "POST", f"/v1/{kind}", json.dumps(fields))
            reply = connection.getresponse()
            answer = reply.read()
            assert reply.status == 200, answer

        return timed(recorder, operations, report)


def as_lines(store: str, operations: int) -> Figures:
    """One round by standard input and output."""
    argv = [ACKPROOF, "record", "--model", "register", "--stdin", "--store", store]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=nothing, bufsize=0) as recorder:
        assert recorder.stdin is not None
        assert recorder.stdout is not None
        to, answers = recorder.stdin, os.fdopen(os.dup(recorder.stdout.fileno()), "rb")

        def report(kind: str, fields: object) -> None:
            to.write(json.dumps({kind: fields}).encode() + b"\n")
            answer = answers.readline()
            assert b'"ok":true' in answer, answer

        return timed(recorder, operations, report)


def main() -> int:
    """Print the figures of each round, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=5000, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    channels = {"HTTP": over_http, "lines": as_lines}
    found: dict[str, list[Figures]] = {name: [] for name in channels}
    with tempfile.TemporaryDirectory() as store:
        for _ in range(options.rounds):
            for name, channel in channels.items():
                found[name].append(channel(store, options.operations))
    for name, rounds in found.items():
        rates = ", ".join(f"{one.rate:,.0f}" for one in rounds)
        costs = ", ".join(f"{one.cost_us:.0f}" for one in rounds)
        print(f"{name}: {rates} operations/s; {costs} us of the recorder's processor time an operation")
    print(f"load {os.getloadavg()[0]:.1f}")
    return int(any(statistics.median(one.cost_us for one in rounds) > BOUND_US for rounds in found.values()))


if __name__ == "__main__":
    sys.exit(main())
