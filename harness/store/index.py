"""The index of a store: what `entry` reads of each run, kept in SQLite, so that many runs are listed at once.

**Why it is always right.** The folders count; the index only saves reading them again. Each listing looks at
every run's folder, and takes a row of the index only if the files from which it was read are the same files
as then: same inode, size and times. So a folder that was removed, added, judged again or changed by hand is
noticed, and an index that is lost, cut or of another version is made again.

**Where it lies.** In the user's own cache folder, $XDG_CACHE_HOME/ackproof or ~/.cache/ackproof, by the
path of the store. So it works for stores that cannot be written, and a store that another person made brings
no database with it. Where the cache folder cannot be written, or another process holds the index, the
listing is made without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import CouldNotRun
from harness.hosts.ledger import folders_in_use
from harness.store.entry import RunEntry, own_version
from harness.store.files import JOURNAL, PLAN, RECORDING, REPLAYS, RESULTS, RUN_NAME, RUNS, TEST

FORMAT = 2
"""It grows when an entry gets another meaning; an index of another format is made again."""
WAIT_S = 2.0
"""How long a listing waits for another process that writes the index."""
_MARKED = (TEST, RECORDING, PLAN, RESULTS)
"""The files from which an entry is read."""

Progress = Callable[[int, int], object]
"""Is given how many folders were read, and how many are to be read."""


class Place(NamedTuple):
    """The folder of one run in a store."""

    folder: str
    campaign: str | None
    mark: str
    """By which a change of its files is noticed."""
    has_results: bool


def entries(store: Path, progress: Progress | None = None) -> list[RunEntry]:
    """All runs of a store, the newest first.

    Raises:
        CouldNotRun: there is no such store, or it cannot be read.
    """
    store = existing(store)
    places = list(_places(store))
    found = _from_index(store, places, progress)
    in_use = {path for path in folders_in_use() if path.is_relative_to(store)}
    if in_use:
        found = [_as_it_goes(store, entry, in_use) for entry in found]
    return sorted(found, key=lambda entry: (entry.began_at or "", entry.name), reverse=True)


def existing(store: Path) -> Path:
    """The store's path without links.

    Raises:
        CouldNotRun: there is no such folder.
    """
    if not store.is_dir():
        raise CouldNotRun(f"there is no store {store}: `ackproof run` makes one; name another with --store")
    return store.resolve()


def index_file(store: Path) -> Path:
    """Where the index of a store lies."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "ackproof"
    return folder / f"runs-{hashlib.sha256(os.fsencode(store)).hexdigest()[:16]}.sqlite"


# ---- the folders --------------------------------------------------------------------------------------


def _places(store: Path) -> Iterator[Place]:
    """The runs of a store, those of its campaigns and replays included."""
    for name in _folders(store, store):
        path = store / name
        if _is_file(path / JOURNAL):
            yield from _runs_in(store, path / RUNS, name)
        elif name == REPLAYS:
            yield from _runs_in(store, path / RUNS, None)
        else:
            yield from _place(path, name, None)


def _runs_in(store: Path, folder: Path, campaign: str | None) -> Iterator[Place]:
    if folder.is_symlink() or not folder.is_dir():
        return
    for name in _folders(store, folder):
        yield from _place(folder / name, str((folder / name).relative_to(store)), campaign)


def _place(path: Path, folder: str, campaign: str | None) -> Iterator[Place]:
    """The place, if this is the folder of a run: by what is in it, or by its name."""
    marks = [_mark(f"{path}/{name}") for name in _MARKED]
    if marks[0] or marks[1] or RUN_NAME.match(path.name):
        yield Place(folder, campaign, " ".join(marks), bool(marks[-1]))


def _mark(path: str) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return ""
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _folders(store: Path, folder: Path) -> list[str]:
    """The folders in a folder, without links."""
    try:
        with os.scandir(folder) as found:
            return sorted(one.name for one in found if one.is_dir(follow_symlinks=False))
    except OSError as error:
        if folder != store:
            return []
        raise CouldNotRun(f"cannot read the store {store}: {error.strerror}") from error


def _as_it_goes(store: Path, entry: RunEntry, in_use: set[Path]) -> RunEntry:
    """The entry, with what the ledgers of living runs say of it."""
    path = store / entry.folder
    goes_on = entry.state != "judged" and any(one == path or one.is_relative_to(path) for one in in_use)
    return msgspec.structs.replace(entry, state="in progress", why="") if goes_on else entry


# ---- the database -------------------------------------------------------------------------------------


def _from_index(store: Path, places: list[Place], progress: Progress | None) -> list[RunEntry]:
    file = index_file(store)
    with contextlib.closing(_opened(file)) as database:
        try:
            return _with_rows(database, store, places, progress)
        except sqlite3.DatabaseError:
            pass  # damaged, or held by another process
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        _make(database)
        return _with_rows(database, store, places, progress)


def _with_rows(
    database: sqlite3.Connection, store: Path, places: list[Place], progress: Progress | None
) -> list[RunEntry]:
    """The entries; the rows that were lacking are added, and those of removed folders go."""
    decode = msgspec.json.Decoder(RunEntry).decode
    rows: Mapping[str, tuple[str, bytes]] = {
        folder: (mark, entry)
        for folder, mark, entry in database.execute("SELECT folder, mark, entry FROM runs")
    }
    found: dict[str, RunEntry] = {}
    lacking = []
    for place in places:
        mark, text = rows.get(place.folder, ("", b""))
        try:
            if mark != place.mark:
                raise msgspec.DecodeError
            found[place.folder] = decode(text)
        except msgspec.DecodeError:
            lacking.append(place)
    fresh = []
    if lacking:
        from harness.store.reading import read_entry  # here, since it takes a second to load
    for number, place in enumerate(lacking):
        if progress is not None:
            progress(number, len(lacking))
        entry = read_entry(store, place.folder, place.campaign)
        found[place.folder] = entry
        fresh.append((place.folder, place.mark, msgspec.json.encode(entry)))
    gone = [(folder,) for folder in rows if folder not in found]
    if fresh or gone:
        with database:
            database.executemany("DELETE FROM runs WHERE folder = ?", gone)
            database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", fresh)
    return list(found.values())


def _opened(file: Path) -> sqlite3.Connection:
    """The index of this file; one in memory if it cannot be used."""
    for _ in range(2):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(file, timeout=WAIT_S)
        except (OSError, sqlite3.Error):
            break
        try:
            _make(database)
        except sqlite3.OperationalError:  # another process holds it, or the disk is full or read-only
            database.close()
            break
        except sqlite3.DatabaseError:  # no database, or a damaged one: it is made again
            database.close()
            with contextlib.suppress(OSError):
                file.unlink()
        else:
            return database
    database = sqlite3.connect(":memory:")
    _make(database)
    return database


def _make(database: sqlite3.Connection) -> None:
    """Make the table, unless it is there in this format."""
    wanted = f"{FORMAT} {own_version()}"
    database.execute("PRAGMA synchronous = OFF")  # what a crash of the machine damages is made again
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS about (format TEXT)")
        database.execute("CREATE TABLE IF NOT EXISTS runs (folder TEXT PRIMARY KEY, mark TEXT, entry BLOB)")
        if database.execute("SELECT format FROM about").fetchone() != (wanted,):
            database.execute("DELETE FROM about")
            database.execute("DELETE FROM runs")
            database.execute("INSERT INTO about VALUES (?)", (wanted,))
