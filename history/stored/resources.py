"""What nodes' processes used: one sample a second, which the harness writes next to each node's log.

`NAME/resources/LIFE.jsonl` holds one line for each sample (see harness/hosts/programs/sampling.py). A line
that was cut when its writer ended is ignored: samples are for plots, and prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from history.files import UNREADABLE, RefusedFile, read_regular
from history.recording import NodeLife, ResourceSample
from history.units import MILLISECOND_NS

Amount = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=1 << 42)]


class _Line(msgspec.Struct, frozen=True):
    age_ms: Milliseconds
    cpu_ms: Milliseconds
    memory_bytes: Amount
    threads: Amount = 0
    files: Amount | None = None
    read_bytes: Amount | None = None
    written_bytes: Amount | None = None


def read_resources(folder: Path, lives: Iterable[NodeLife]) -> tuple[ResourceSample, ...]:
    """The samples of one node's lives, by life and time; `folder` need not exist."""
    samples = []
    for life in lives:
        try:
            content = read_regular(folder / f"{life.life}.jsonl", root=folder)
        except (OSError, RefusedFile):
            continue
        for line in content.splitlines():
            try:
                sample = msgspec.json.decode(line, type=_Line)
            except UNREADABLE:
                continue
            samples.append(
                ResourceSample(
                    node=life.node,
                    life=life.life,
                    time=life.started_at + sample.age_ms * MILLISECOND_NS,
                    cpu_ns=sample.cpu_ms * MILLISECOND_NS,
                    memory_bytes=sample.memory_bytes,
                    files=sample.files,
                    read_bytes=sample.read_bytes,
                    written_bytes=sample.written_bytes,
                )
            )
    return tuple(samples)
