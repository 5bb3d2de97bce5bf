"""What goes on in a store now: runs by their growing histories, campaigns by their `live.json`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from checkers.words import in_time
from harness.campaign.watching.live import Live
from harness.store.entry import RunEntry
from harness.store.files import LIVE
from harness.store.overview import campaign_folders
from history.files import RefusedFile, decode_json, open_regular, read_regular
from history.nemesis import FaultKinds, read_fault_kinds
from reports.site.model import LiveRow

MOST_BYTES_AT_ONCE = 16 << 20
HISTORY, TEST = "history.jsonl", "test.json"
_ENDS = ("ok", "fail", "info")


class _Line(msgspec.Struct, frozen=True):
    """What is counted of one line of a history."""

    time: int
    process: int
    type: str
    f: str


class _Facts(msgspec.Struct, frozen=True):
    """What must be known of a test."""

    time_limit_s: float = 0.0
    fault_kinds: Any = ()


class _Counted(msgspec.Struct):
    """How far a history was counted, and what was found."""

    at: int = 0
    ends: Counter[str] = msgspec.field(default_factory=Counter)
    time_ns: int = 0
    began_ns: int | None = None
    """When the work began: with the first line of a client, as the nodes start before it."""
    fault: str = ""


class LiveCounter:
    """Counts what goes on; a history is read only from where it was read last."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._counted: dict[str, _Counted] = {}

    def rows(self, entries: Sequence[RunEntry]) -> list[LiveRow]:
        """Everything that goes on now."""
        running = [entry for entry in entries if entry.state == "in progress"]
        self._counted = {one.folder: self._counted.get(one.folder, _Counted()) for one in running}
        return [*(self._run(entry) for entry in running), *self._campaigns()]

    def _run(self, entry: RunEntry) -> LiveRow:
        counted = self._counted[entry.folder]
        facts = self._facts(entry)
        self._go_on(entry.folder, counted, FaultKinds(read_fault_kinds(facts.fault_kinds)))
        ends = ", ".join(f"{counted.ends[end]:,} {end}" for end in _ENDS)
        fault = f", fault: {counted.fault}" if counted.fault else ""
        limit_s, now_s = facts.time_limit_s, counted.time_ns / 1e9
        worked_s = 0.0 if counted.began_ns is None else now_s - counted.began_ns / 1e9
        return LiveRow(
            kind="run",
            name=entry.folder,
            what=f"{entry.system} {entry.workload}, {entry.faults_in_words}, seed {entry.seed}",
            state=f"{now_s:.1f} s: {ends}{fault}",
            done=min(1.0, worked_s / limit_s) if limit_s else None,
            left=f"{in_time(limit_s - worked_s)} of work left" if limit_s > worked_s else "",
        )

    def _facts(self, entry: RunEntry) -> _Facts:
        path = self._store / entry.folder / TEST
        try:
            return decode_json(read_regular(path, root=self._store), _Facts, where=path)
        except (OSError, RefusedFile):
            return _Facts()

    def _go_on(self, folder: str, counted: _Counted, kinds: FaultKinds) -> None:
        """Count the lines that were added."""
        try:
            with open_regular(self._store / folder / HISTORY, root=self._store) as file:
                file.seek(counted.at)
                data = file.read(MOST_BYTES_AT_ONCE)
        except (OSError, RefusedFile):
            return
        whole = data.rfind(b"\n") + 1
        counted.at += whole
        for text in data[:whole].splitlines():
            try:
                line = msgspec.json.decode(text, type=_Line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            counted.time_ns = line.time
            if line.process < 0:
                counted.fault = "" if kinds.is_healing(line.f) else line.f
                continue
            counted.began_ns = line.time if counted.began_ns is None else counted.began_ns
            if line.type in _ENDS:
                counted.ends[line.type] += 1

    def _campaigns(self) -> list[LiveRow]:
        found = []
        for name in campaign_folders(self._store):
            path = self._store / name / LIVE
            try:
                live = decode_json(read_regular(path, root=self._store), Live, where=path)
            except (OSError, RefusedFile):
                continue
            if not live.ended and _is_locked(self._store / name):
                found.append(_campaign(name, live))
        return found


def _campaign(name: str, live: Live) -> LiveRow:
    counts = {end: sum(getattr(cell, end) for cell in live.cells) for end in ("invalid", "unknown", "valid")}
    ended = ", ".join(f"{number} {end}" for end, number in counts.items())
    return LiveRow(
        kind="campaign",
        name=name,
        what=f"{len(live.cells)} cells",
        state=f"{live.done} of {live.asked} runs: {ended}",
        done=min(1.0, live.done / live.asked) if live.asked else None,
        left=f"about {in_time(live.left_s)} left" if live.left_s is not None else "",
    )


def _is_locked(folder: Path) -> bool:
    """Whether a process writes the campaign's journal: it holds its lock as long as it lives."""
    import fcntl

    from harness.store.files import JOURNAL

    try:
        descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
