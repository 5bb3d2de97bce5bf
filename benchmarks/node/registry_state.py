"""The registry's state: a list of 10,000 instances with its JSON; memory, applying and snapshots at 100,000.

    python benchmarks/node/registry_state.py

Exits 1 if a list takes more than 50 ms (the median of 50).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from node_impl.core.api.codec import render
from node_impl.core.events import Entry
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import BeatTimes, Done, InstanceKey, ListInstances, Register, Request

LISTED, HELD, SERVICES, ROUNDS = 10_000, 100_000, 1_000, 50
BOUND_MS = 50.0
PAGE_BYTES = 4096


def filled(instances: int, services: int) -> Registry:
    """A registry after that many registrations, every second ephemeral, each with three metadata."""
    registry, beats = Registry(), BeatTimes()
    for number in range(instances):
        ip = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        command = Register(
            InstanceKey(f"service-{number % services}", ip, 8080),
            metadata={"version": "1.2.3", "zone": f"z{number % 7}", "registration-id": f"r{number}"},
            beats=beats if number % 2 else None,
        )
        registry.apply(Entry(number + 1, 1, "command", encode_command(command)))
    return registry


def milliseconds(act: Callable[[], object]) -> float:
    """How long it takes once, in processor time, which hardly depends on the load of the machine."""
    begun = time.process_time()
    act()
    return (time.process_time() - begun) * 1e3


def resident_mb() -> float:
    """This process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def main() -> int:
    """Print the figures, and return the exit status."""
    before = resident_mb()
    begun = time.process_time()
    registry = filled(HELD, SERVICES)
    apply_us = (time.process_time() - begun) * 1e6 / HELD
    print(
        f"{HELD:,} instances, {SERVICES:,} services: {resident_mb() - before:.0f} MB, {apply_us:.1f} us each "
        "to apply"
    )
    snapshot = registry.snapshot()
    taken, restored = milliseconds(registry.snapshot), milliseconds(lambda: Registry().restore(snapshot))
    print(f"snapshot of {len(snapshot) / 1e6:.1f} MB: {taken:.0f} ms to take, {restored:.0f} ms to restore")

    registry, query = filled(LISTED, 1), ListInstances("service-0")

    def answer() -> object:
        return render(Request(query), Done(LISTED, registry.read(query)))

    taken_ms = sorted(milliseconds(answer) for _ in range(ROUNDS))
    median, worst = taken_ms[ROUNDS // 2], taken_ms[-1]
    print(
        f"a list of {LISTED:,} with its JSON: {median:.1f} ms, at worst {worst:.1f} ms (bound {BOUND_MS:.0f})"
    )
    return int(median > BOUND_MS)


if __name__ == "__main__":
    sys.exit(main())
