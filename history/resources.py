"""What nodes' processes used, a sample a second, as the harness wrote it down beside each node's log.

`NAME/resources/LIFE.jsonl` holds a line a sample (harness/hosts/programs/sampling.py says of what). A line
that was cut by the end of its writer is passed over: samples are for plots, and prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from history.recording import NodeLife, ResourceSample
from history.units import MILLISECOND_NS


class _Line(msgspec.Struct, frozen=True):
    age_ms: int
    cpu_ms: int
    memory_bytes: int
    threads: int = 0
    files: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


def read_resources(folder: Path, lives: Iterable[NodeLife]) -> tuple[ResourceSample, ...]:
    """The samples of one node's lives, by life and time; `folder` need not exist."""
    samples = []
    for life in lives:
        try:
            content = (folder / f"{life.life}.jsonl").read_bytes()
        except FileNotFoundError:
            continue
        for line in content.splitlines():
            try:
                told = msgspec.json.decode(line, type=_Line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            samples.append(
                ResourceSample(
                    node=life.node,
                    life=life.life,
                    time=life.started_at + told.age_ms * MILLISECOND_NS,
                    cpu_ns=told.cpu_ms * MILLISECOND_NS,
                    memory_bytes=told.memory_bytes,
                    files=told.files,
                    read_bytes=told.read_bytes,
                    written_bytes=told.written_bytes,
                )
            )
    return tuple(samples)
