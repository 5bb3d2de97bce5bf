"""A campaign's folder: the journal of what was done, and the folders of real runs.

```
STORE/campaign-2026-11-28T134200-NAME/
    campaign.jsonl     a header with the plan and the code, then a line for each run, as it ends
    live.json          counts and figures while it runs, for pages that draw them (watching/live.py)
    examples/          of findings of the simulator: one shrunk example each, FINGERPRINT.json, and a picture
    runs/              the folders of runs of real processes
```

A line has reached the kernel before the next run begins, so a kill loses only what was in progress. A
line that a kill tore is cut off when the campaign is resumed. While a campaign runs, it locks its journal;
the lock ends with the process.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from harness.campaign.cells import CampaignPlan, Unit, with_cores
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from harness.formats import newer
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.schedule.version import differences, digests
from harness.systems.secrets import hidden, revealed
from history.files import UNREADABLE, RefusedFile, brief, read_regular
from history.limits import MOST_LOG_BYTES

JOURNAL = "campaign.jsonl"
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class Header(msgspec.Struct, frozen=True, tag="campaign"):
    """The first line of a journal."""

    plan: CampaignPlan
    code: Mapping[str, str]
    """Digests of the code that ran, by part."""
    versions: Mapping[str, str]
    """Of Ackproof and of Python."""
    began_at: str
    ackproof_campaign: int = FORMAT
    id: str = ""
    """Drawn at random, so that a copy of a journal is known for one."""
    merged: tuple[str, ...] = ()
    """The ids of the journals that it was merged from; empty if it was not."""


class RunLine(msgspec.Struct, frozen=True, tag="run", omit_defaults=True):
    """One run that was judged."""

    cell: int
    seed: int
    outcome: Outcome
    at: str
    elapsed_s: float = 0.0
    """Seconds of work since the campaign began."""
    again: bool = False
    new: tuple[int, ...] = ()
    """The behaviours that no earlier line of this journal shows."""
    time_limit_s: int | None = None
    """Of a real run whose cell leaves its time limit open: the limit that it had, if its budget was shared
    out (budget/sharing.py); None for the usual one."""

    @property
    def unit(self) -> Unit:
        """Which run it was."""
        return Unit(self.cell, self.seed, self.again)


class CrashLine(msgspec.Struct, frozen=True, tag="crash", omit_defaults=True):
    """One attempt at a run that the harness itself could not do."""

    cell: int
    seed: int
    why: str
    at: str
    elapsed_s: float = 0.0
    again: bool = False

    @property
    def unit(self) -> Unit:
        """Which run it was."""
        return Unit(self.cell, self.seed, self.again)


class EndLine(msgspec.Struct, frozen=True, tag="end", omit_defaults=True):
    """An end of work: all was done, or something ended it early."""

    why: str
    is_complete: bool
    """Whether the campaign did all that its budget allowed."""
    at: str
    elapsed_s: float = 0.0


Line = RunLine | CrashLine | EndLine


class Stored(msgspec.Struct, frozen=True):
    """What a journal holds."""

    folder: Path
    header: Header
    lines: tuple[Line, ...]

    @property
    def runs(self) -> tuple[RunLine, ...]:
        """The runs that were judged."""
        return tuple(line for line in self.lines if isinstance(line, RunLine))

    @property
    def plan(self) -> CampaignPlan:
        """What the campaign was to do."""
        return self.header.plan


class Journal:
    """A journal that is written: new, or resumed."""

    def __init__(self, path: Path, stored: Stored, descriptor: int) -> None:
        self.stored = stored
        """What it held when it was opened."""
        self.folder = path.parent
        self._path = path
        self._descriptor = descriptor
        self._encode = msgspec.json.Encoder().encode
        self.lines = list(stored.lines)
        """All lines, those included that were added since."""

    @classmethod
    def create(cls, store: Path, plan: CampaignPlan, *, merged: Sequence[str] = ()) -> Journal:
        """Make a new folder in the store.

        Raises:
            CouldNotRun: the store cannot be written.
        """
        plan = _without_secrets(plan)
        versions = {"ackproof": version("ackproof"), "python": platform.python_version()}
        header = Header(plan, digests(), versions, stamp(), id=secrets.token_hex(8), merged=tuple(merged))
        try:
            folder = _new_folder(store, plan.name)
            path = folder / JOURNAL
            descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            raise CouldNotRun(
                f"cannot write to the store {store}: {error.strerror}; choose another with --store"
            ) from error
        _lock(descriptor, path)
        journal = cls(path, Stored(folder, header, ()), descriptor)
        journal._write(header)
        return journal

    @classmethod
    def resume(cls, folder: Path, cores: Sequence[ForeignCore] = ()) -> Journal:
        """Open the journal of a campaign that was interrupted.

        Args:
            folder: the campaign's.
            cores: those that its cells have: the commands that a journal names are not run, since others may
                have written it.

        Raises:
            CouldNotRun: it is no campaign's folder, other code made it, another process writes it, a secret
                option of a cell cannot be looked up, or a core is not given, or is another version.
        """
        path = folder.absolute() / JOURNAL
        stored = read(folder)
        _require_secrets(stored.header.plan)
        changed = differences(stored.header.code)
        if changed:
            raise CouldNotRun(
                f"{path} was made by other code ({', '.join(changed)} changed), and results of two versions "
                "are not mixed; begin a new campaign"
            )
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            _lock(descriptor, path)
            stored = read(folder)  # once more, as another process may have written before the lock
            os.ftruncate(descriptor, _whole_lines(read_regular(path, most_bytes=MOST_LOG_BYTES)))
        except OSError as error:
            raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error
        journal = cls(path, stored, descriptor)
        try:
            journal._plan_here(with_cores(stored.plan, cores))
        except CouldNotRun:
            journal.close()
            raise
        return journal

    @property
    def ended_with(self) -> str:
        """Why the work before ended; empty if it did not, or after a kill."""
        last = self.stored.lines[-1] if self.stored.lines else None
        return last.why if isinstance(last, EndLine) else ""

    @property
    def has_time(self) -> bool:
        """Whether some of the plan's seconds of work were left when it was opened."""
        most_s = self.stored.plan.most_s
        return most_s is None or all(line.elapsed_s < most_s for line in self.stored.lines)

    def bound(self, seconds: float) -> None:
        """Begin no run after this number of further seconds of work; the plan in the file stays."""
        before = max((line.elapsed_s for line in self.stored.lines), default=0.0)
        simulated_s = self.stored.plan.most_simulated_s
        plan = msgspec.structs.replace(
            self.stored.plan,
            most_s=before + seconds,
            most_simulated_s=None if simulated_s is None else simulated_s + seconds,
        )
        self._plan_here(plan)

    def _plan_here(self, plan: CampaignPlan) -> None:
        """Go on with this plan; that in the file stays."""
        self.stored = msgspec.structs.replace(
            self.stored, header=msgspec.structs.replace(self.stored.header, plan=plan)
        )

    def add(self, line: Line) -> None:
        """Keep a line: it has reached the kernel when this returns.

        Raises:
            CouldNotRun: the disk is full.
        """
        self._write(line)
        self.lines.append(line)

    def close(self) -> None:
        """Close the journal, and end its lock."""
        os.close(self._descriptor)

    def now(self) -> Stored:
        """What the journal holds now."""
        return msgspec.structs.replace(self.stored, lines=tuple(self.lines))

    def _write(self, line: Header | Line) -> None:
        data = self._encode(line) + b"\n"
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise CouldNotRun(
                f"cannot go on writing to {self._path} ({error.strerror}); make room, then: "
                f"ackproof campaign run --resume {self.folder}"
            ) from error


def read(folder: Path) -> Stored:
    """Read a campaign's journal, without a last line that a kill tore.

    Raises:
        CouldNotRun: there is none, or it cannot be read: the file, the line, and why.
    """
    path = folder.absolute() / JOURNAL
    try:
        data = read_regular(path, most_bytes=MOST_LOG_BYTES)
    except FileNotFoundError as error:
        raise CouldNotRun(f"{folder} is not a campaign's folder: it has no {JOURNAL}") from error
    except RefusedFile as error:
        raise CouldNotRun(str(error)) from error
    first, *rest = data[: _whole_lines(data)].split(b"\n")[:-1] or [b""]
    header = _header(path, first)
    lines: list[Line] = []
    for number, text in enumerate(rest, start=2):
        try:
            line = msgspec.json.decode(text, type=Line)
        except UNREADABLE as error:
            raise CouldNotRun(f"{path}, line {number}: {brief(error)}") from error
        if not isinstance(line, EndLine) and not 0 <= line.cell < len(header.plan.cells):
            raise CouldNotRun(f"{path}, line {number}: the plan has no cell {line.cell}")
        lines.append(line)
    return Stored(path.parent, header, tuple(lines))


def _header(path: Path, line: bytes) -> Header:
    try:
        stated = msgspec.json.decode(line, type=dict[str, object]).get("ackproof_campaign")
        rule = newer(stated, FORMAT)
        if rule is not None:
            raise CouldNotRun(f"{path} {rule}")
        return msgspec.json.decode(line, type=Header)
    except UNREADABLE as error:
        raise CouldNotRun(f"{path} holds no campaign ({brief(error)})") from error


def stored_campaigns(
    store: Path,
    tell_share: Callable[[float], None] = lambda _: None,
    leave_out: Callable[[CouldNotRun], object] | None = None,
) -> list[Stored]:
    """The campaigns of a store, in the order in which they began.

    Without those that a kill ended as they began, and with each result once: without copies, and without the
    shards of a merged campaign that is there, too.

    Args:
        tell_share: is given which share of the journals is read.
        leave_out: is given why a campaign cannot be read, which is then left out: its journal is damaged, or
            a newer version wrote it. None: no campaign may be left out.

    Raises:
        CouldNotRun: a journal cannot be read, and may not be left out.
    """
    journals = [path for path in sorted(store.glob(f"*/{JOURNAL}")) if path.stat().st_size]
    found = []
    for number, path in enumerate(journals, start=1):
        try:
            found.append(read(path.parent))
        except CouldNotRun as error:
            if leave_out is None:
                raise
            leave_out(error)
        tell_share(number / len(journals))
    found.sort(key=lambda stored: (stored.header.began_at, stored.folder.name))
    merged = {part for stored in found for part in stored.header.merged}
    by_id = {stored.header.id: stored for stored in reversed(found) if stored.header.id not in merged}
    return list(reversed(by_id.values()))


def is_campaign_name(name: str) -> bool:
    """Whether folders may be named so."""
    return _NAME.fullmatch(name) is not None


def stamp() -> str:
    """The time of day, as journals state it: in UTC, so that it sorts."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def runs_by_unit(lines: Sequence[Line]) -> dict[Unit, RunLine]:
    """The judged runs, by which run it was."""
    return {line.unit: line for line in lines if isinstance(line, RunLine)}


def _without_secrets(plan: CampaignPlan) -> CampaignPlan:
    """The plan as it may be written; literal secrets are put into the environment."""
    cells = [
        msgspec.structs.replace(cell, system_options=tuple(hidden(dict(cell.system_options)).items()))
        for cell in plan.cells
    ]
    return msgspec.structs.replace(plan, cells=tuple(cells))


def _require_secrets(plan: CampaignPlan) -> None:
    """Refuse to go on where secret options cannot be looked up."""
    for cell in plan.cells:
        try:
            revealed(dict(cell.system_options))
        except ValueError as error:
            raise CouldNotRun(f"{cell.name}: {error}") from error


def _new_folder(store: Path, name: str) -> Path:
    base = f"campaign-{time.strftime('%Y-%m-%dT%H%M%S')}-{name}"
    for attempt in range(100):
        path = store.absolute() / (f"{base}-{attempt}" if attempt else base)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise CouldNotRun(f"a hundred campaigns began in {store} within this second; wait, and try again")


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise CouldNotRun(f"{path} is being written by another process; wait for its end") from error


def _whole_lines(data: bytes) -> int:
    """How many bytes the lines have that are whole."""
    return data.rfind(b"\n") + 1
