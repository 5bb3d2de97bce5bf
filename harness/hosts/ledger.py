"""The ledger: what a run made outside its folder, written down so that the next run can remove it.

A ledger is one JSON-lines file a run, in the user's state folder. Its first line holds a random
*token*, and it is on disk before anything is started; every process is started with that token in
its environment (`ACKPROOF_RUN`), which its own children inherit; once started, its identity is
written too. The harness that owns a ledger holds an flock on it as long as it lives; when it dies, in
whatever way, the kernel releases the lock.

**Why `kill -9` of the harness at any instant leaves nothing.** `clean` takes the lock of each
ledger; if it gets it, the owner is dead and starts nothing more. What the owner had started is
found in two ways: by the identities written down, and by looking for the token in the environments of all
of this user's processes. The second needs no line to have been written after the start, so there is no
instant at which a process exists and cannot be found, but one: between `fork` and `exec` a child
still shows its parent's environment. That child holds a copy of the lock's file descriptor until
just before `exec`, so `clean` cannot get the lock earlier, and waits for it where the owner is dead;
then it looks until two passes, `LOOK_AGAIN_S` apart, find nothing, which covers the microseconds
that remain. The first way covers processes that overwrote their environment, and what descends from
them; where there are control groups (groups.py), a node's is among what is written down before it is made,
and nothing in it escapes.

Whatever else a run makes and the kernel or another host would keep (a network namespace, say) is
written down *before* it is made, as a kind and a name of the run's own; removal.py knows how each kind
is removed. It is removed once the run's processes have ended, the last made first, since a process that
was making it may have been among them; what had not been made yet is passed over.

A ledger names the folder that its run writes into. A run, and `ackproof clean`, act on the ledgers of runs in
their own store: what a run in another store left is removed from there, or by `ackproof clean --all`.

A ledger is its user's alone: one that another user's run has left in the same state folder (under sudo, say)
is passed over and named, since neither its processes nor what it made are ours to remove.

A process is ended only if it is still the recorded one (number, start time and boot id; see
processes.py). Where there is no /proc, only recorded processes can be found, and the report says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from harness.hosts.processes import Identity, carrying, family_of, has_proc, identify, is_alive, send_signal
from harness.hosts.removal import Made, remove_all

TOKEN_VARIABLE = "ACKPROOF_RUN"  # noqa: S105 (a variable's name)
LOOK_AGAIN_S = 0.02
END_BOUND_S = 10.0


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The first line: which run the ledger belongs to."""

    token: str
    owner: Identity | None
    about: str
    """The run and its folder, for messages."""
    folder: str = ""
    """The folder that the run writes into, without links in its path; empty if it is not known."""

    def is_in(self, store: Path) -> bool:
        """Whether the run writes into a folder of this store."""
        return bool(self.folder) and Path(self.folder).is_relative_to(store.resolve())


class ProcessLine(msgspec.Struct, frozen=True, tag="process"):
    """A process that was started."""

    what: str
    process: Identity


class MadeLine(msgspec.Struct, frozen=True, tag="made"):
    """Something that is about to be made."""

    kind: str
    """A key of `removal.REMOVERS`."""
    name: str
    """A unique name, for messages."""
    details: str = ""
    """What else its remover needs."""


class GoneLine(msgspec.Struct, frozen=True, tag="gone"):
    """Something that its owner has removed."""

    kind: str
    name: str


Line = Head | ProcessLine | MadeLine | GoneLine


class _Record(msgspec.Struct):
    """The content of a ledger."""

    head: Head | None = None
    processes: list[Identity] = []
    made: list[Made] = []


class Removed(msgspec.Struct, frozen=True):
    """What `clean` removed for one dead run."""

    about: str
    processes: tuple[Identity, ...]
    things: tuple[str, ...] = ()
    """What else was removed, each as kind and name."""
    problems: tuple[str, ...] = ()
    """What could not be removed or looked for, in words. What could not be removed keeps its ledger."""

    def __str__(self) -> str:
        numbers = ", ".join(str(process.pid) for process in self.processes)
        things = f", {', '.join(self.things)}" if self.things else ""
        return "; ".join([f"processes {numbers or 'none'}{things} of the {self.about}", *self.problems])


def state_folder() -> Path:
    """Where ledgers lie: $XDG_STATE_HOME/ackproof/ledger, or the same under ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ackproof" / "ledger"


class Ledger:
    """A living run's ledger; `close` it when the run is over.

    Args:
        about: the run, for messages.
        folder: where ledgers lie; None for the user's own folder.
        of: the folder that the run writes into.

    Raises:
        OSError: the state folder is not writable; set XDG_STATE_HOME to one that is.
    """

    def __init__(self, about: str, folder: Path | None = None, of: Path | None = None) -> None:
        folder = state_folder() if folder is None else folder
        self.token = secrets.token_hex(16)
        self._encoder = msgspec.json.Encoder()
        self._started: list[Identity] = []
        self._made: set[tuple[str, str]] = set()
        self._path = folder / f"{self.token}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = _create_locked(self._path)
        except OSError as error:
            why = f"no clean-up record can be kept in {folder} ({error.strerror})"
            raise OSError(f"{why}: set XDG_STATE_HOME to a folder of your own") from error
        writes_into = "" if of is None else str(of.resolve())
        self._write(Head(self.token, identify(os.getpid()), about, writes_into))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that every process of this run must be started with."""
        return {TOKEN_VARIABLE: self.token}

    def started(self, what: str, process: Identity) -> None:
        """Write down a process that was started with `environment`."""
        self._started.append(process)
        self._write(ProcessLine(what, process))

    def making(self, kind: str, name: str, details: str = "") -> None:
        """Write down something before it is made, as the module explains."""
        self._made.add((kind, name))
        self._write(MadeLine(kind, name, details))

    def gone(self, kind: str, name: str) -> None:
        """Write down that it has been removed, or was never made."""
        self._made.discard((kind, name))
        self._write(GoneLine(kind, name))

    def close(self) -> None:
        """Delete the ledger, unless something in it is still there, which the next `clean` then removes."""
        if self._file >= 0:
            if not self._made and not any(is_alive(process) for process in self._started):
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _write(self, line: Line) -> None:
        os.write(self._file, self._encoder.encode(line) + b"\n")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _create_locked(path: Path) -> int:
    """A new file whose lock is ours, and which is still there: a cleaner may have come before the lock."""
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return file
        os.close(file)


def clean(
    folder: Path | None = None,
    store: Path | None = None,
    tell_share: Callable[[float], None] = lambda _: None,
) -> list[Removed]:
    """Remove what dead runs left, and nothing of living ones. Blocks for some 20 ms a dead run, or more.

    Args:
        folder: where ledgers lie; None for the user's own folder.
        store: the store whose runs are meant; None for all runs.
        tell_share: is given which share of the records is done, from 0 to 1.

    Returns:
        One entry for each dead run that had left something, or whose remains could not all be removed.
    """
    removed: list[Removed] = []
    records = list(_ledgers(folder))
    for number, path in enumerate(records, start=1):
        found = _clean_one(path, store)
        if found is not None and (found.processes or found.things or found.problems):
            removed.append(found)
        tell_share(number / len(records))
    tell_share(1.0)
    return removed


def left_elsewhere(store: Path, folder: Path | None = None) -> list[str]:
    """The dead runs, in words, that `clean` leaves alone since they are not of this store; and the runs of
    other users, dead or not."""
    return [
        head.about
        for head in _heads(folder)
        if not head.is_in(store) and (head.owner is None or not is_alive(head.owner))
    ] + of_other_users(folder)


def of_other_users(folder: Path | None = None) -> list[str]:
    """The runs, in words, whose ledgers this user may not read."""
    return [
        f"a run of {_user_of(path)}, whose clean-up record is {path}"
        for path in _ledgers(folder)
        if not os.access(path, os.R_OK, effective_ids=True) and path.exists()
    ]


def _user_of(path: Path) -> str:
    try:
        return f"user {path.owner()}"
    except (OSError, KeyError):  # it is gone, or its user has no name
        return "another user"


def folders_in_use(folder: Path | None = None) -> list[Path]:
    """The folders that living runs write into, without links in their paths."""
    return [
        Path(head.folder)
        for head in _heads(folder)
        if head.folder and head.owner is not None and is_alive(head.owner)
    ]


def _heads(folder: Path | None) -> Iterator[Head]:
    """What each ledger that can be read says of its run."""
    for path in _ledgers(folder):
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
            file = os.open(path, os.O_RDONLY)
            try:
                head = _read(file).head
            finally:
                os.close(file)
            if head is not None:
                yield head


def _ledgers(folder: Path | None) -> list[Path]:
    folder = state_folder() if folder is None else folder
    try:
        return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    except PermissionError:  # another user's folder, in which none of our runs can have a ledger
        return []


def _clean_one(path: Path, store: Path | None) -> Removed | None:
    """Clean up after one ledger; None if its owner lives, another cleaner was faster, or it is not meant.

    So it is if it is another user's.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        if not _take_lock_of_the_dead(file):
            return None
        try:
            record = _read(file)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            damage = f"{path} is damaged ({error}): end its processes, delete it"
            return Removed(path.name, (), problems=(damage,))
        head = record.head
        if head is None:  # its owner died before it could start anything
            path.unlink(missing_ok=True)
            return None
        if store is not None and not head.is_in(store):
            return None
        ended, problems = _end_all(head.token, record.processes)
        things: list[str] = []
        if not problems:
            things, problems = remove_all(reversed(record.made))
        if not problems:
            try:
                path.unlink(missing_ok=True)
            except PermissionError:
                problems.append(f"its clean-up record {path} may not be deleted from another user's folder")
        if not has_proc():
            problems.append(f"no /proc: if `ps eww` shows {TOKEN_VARIABLE}={head.token}, end that process")
        return Removed(head.about, tuple(ended), tuple(things), tuple(problems))
    finally:
        os.close(file)


def _take_lock_of_the_dead(file: int) -> bool:
    """Lock a ledger; False if its owner lives, has only begun it, or another cleaner is at work on it."""
    deadline = time.monotonic() + END_BOUND_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(file)
            if owner is None or is_alive(owner) or time.monotonic() > deadline:
                return False
            time.sleep(LOOK_AGAIN_S)  # a child of the dead owner holds it, until it executes its program
        else:
            return os.fstat(file).st_nlink > 0


def _owner(file: int) -> Identity | None:
    try:
        head = _read(file).head
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if head is None else head.owner


def _read(file: int) -> _Record:
    """The content of a ledger. A torn last line counts for nothing: its process has the token, its thing was
    not made."""
    record = _Record()
    decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
    for text in os.pread(file, os.fstat(file).st_size, 0).split(b"\n")[:-1]:
        match decoder.decode(text):
            case Head() as line:
                record.head = line
            case ProcessLine(process=process):
                record.processes.append(process)
            case MadeLine(kind, name, details):
                record.made.append(Made(kind, name, details))
            case GoneLine(kind, name):
                record.made = [made for made in record.made if (made.kind, made.name) != (kind, name)]
    return record


def _end_all(token: str, recorded: list[Identity]) -> tuple[list[Identity], list[str]]:
    """SIGKILL everything of a dead run until nothing is found; (ended, problems)."""
    ended: dict[Identity, None] = {}
    deadline = time.monotonic() + END_BOUND_S
    quiet_passes = 0
    while quiet_passes < 2:
        found = [member for process in recorded if is_alive(process) for member in family_of(process)]
        if has_proc():
            found += [process for process in carrying(TOKEN_VARIABLE, token) if process not in found]
        if found and time.monotonic() > deadline:
            numbers = ", ".join(str(process.pid) for process in found)
            return list(ended), [f"still running {END_BOUND_S:g} s after SIGKILL: {numbers}"]
        for process in found:
            try:
                if send_signal(process, signal.SIGKILL):
                    ended[process] = None
            except PermissionError:
                return list(ended), [f"may not end process {process.pid}: end it as its user"]
        quiet_passes = 0 if found else quiet_passes + 1
        if quiet_passes < 2:
            time.sleep(LOOK_AGAIN_S)
    return list(ended), []
