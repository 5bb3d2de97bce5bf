"""Schedules as files: readable, one line for each thing that happens, and replayed exactly or not at all.

```
{"ackproof_schedule": 2,
 "checker": "durability",            which checker found the violation
 "violation": "1 lost; ...",         what the checker said
 "story": ["at 35 ms kill n2", ...], the same as below, for people; it is not read back
 "code": {"node_impl/core/raft": ...},    digests of the code that ran
 "run": "...",                       digest of the run's history and traces
 "schedule": {...}}                  see schedule.py
```
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import CouldNotRun
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import in_place_of
from harness.sim.run import SimulatedRun
from harness.sim.schedule.bounds import why_impossible
from harness.sim.schedule.schedule import Schedule
from harness.sim.schedule.story import whole_story
from harness.sim.schedule.version import differences, digests
from harness.sim.world.traces import written
from history.files import RefusedFile, brief, decode_json, read_regular

FORMAT = 2
"""Format 1 had a vocabulary of simulated faults of its own."""


class Replay(msgspec.Struct, frozen=True):
    """A schedule, and what happened when it was recorded."""

    ackproof_schedule: int
    checker: str
    violation: str
    code: Mapping[str, str]
    run: str
    schedule: Schedule


def digest_of(ran: SimulatedRun) -> str:
    """Give sixteen hex digits over the history and all traces."""
    digest = blake2b(digest_size=8)
    encode = msgspec.json.Encoder().encode
    for operation in ran.operations:
        digest.update(encode(operation) + b"\n")
    for node, lives in ran.traces.items():
        for lines in lives:
            digest.update(node.encode() + b"\n")
            for line in written(lines):
                digest.update(line)
    return digest.hexdigest()


def save(path: Path, schedule: Schedule, ran: SimulatedRun, checker: str, violation: str) -> None:
    """Write a file that `load` reads.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    replay = Replay(FORMAT, checker, violation, digests(), digest_of(ran), schedule)
    plain = msgspec.to_builtins(replay)
    plain = {**dict(list(plain.items())[:3]), "story": list(whole_story(schedule)), **plain}
    try:
        path.write_text(pretty(plain) + "\n", encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error


def load(path: Path, *, anyway: bool = False, core: ForeignCore | None = None) -> Replay:
    """Read a file that `save` wrote.

    Args:
        anyway: read it also if the code has changed since; something else may happen then.
        core: what the nodes are made of, where the schedule is of a core of others: the command that the file
            names is not run, since others may have written the file.

    Raises:
        CouldNotRun: the file is no schedule, or of another version, or of other code; it says what differs.
    """
    try:
        data = read_regular(path)
        version = decode_json(data, _Version, where=path).ackproof_schedule
        if version != FORMAT:
            raise CouldNotRun(
                f"{path} is a schedule of format {version}, and this ackproof reads format {FORMAT}: "
                "simulated faults had other names then. Use the ackproof that wrote the file, or record the "
                "schedule again with `ackproof sim --seed N --shrink FILE`"
            )
        replay = decode_json(data, Replay, where=path)
    except FileNotFoundError as error:
        raise CouldNotRun(f"cannot read {path}: {error.strerror}") from error
    except RefusedFile as refusal:
        raise CouldNotRun(f"{path} is no schedule: {refusal.rule}") from refusal
    wrong = why_impossible(replay.schedule)
    if wrong is not None:
        raise CouldNotRun(f"{path} is no schedule: {brief(wrong)}")
    try:
        own = in_place_of(replay.schedule.plan.core, core, anyway=anyway)
    except CouldNotRun as error:
        raise CouldNotRun(f"cannot replay {path}: {brief(error)}") from error
    changed = differences(replay.code)
    if changed and not anyway:
        raise CouldNotRun(
            f"{path} was recorded with other code: {brief(', '.join(changed))} changed since, so the same "
            "schedule may not give the same run. Check out the code that recorded it, or pass --anyway"
        )
    if own is None:
        return replay
    plan = msgspec.structs.replace(replay.schedule.plan, core=own)
    return msgspec.structs.replace(replay, schedule=msgspec.structs.replace(replay.schedule, plan=plan))


class _Version(msgspec.Struct):
    ackproof_schedule: int


def pretty(value: Any, indent: str = "") -> str:
    """Write JSON with containers opened down to the third level, so that each thing has its line."""
    inner = indent + "  "
    if len(indent) >= 6 or not isinstance(value, dict | list | tuple) or not value:
        return msgspec.json.encode(value).decode()
    if not isinstance(value, dict):
        return (
            "[\n" + ",\n".join(inner + msgspec.json.encode(item).decode() for item in value) + f"\n{indent}]"
        )
    rows = (
        f"{inner}{msgspec.json.encode(name).decode()}: {pretty(item, inner)}" for name, item in value.items()
    )
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
