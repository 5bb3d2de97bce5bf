"""Installs one release into a folder of its own: with all its contents, or not at all.

Everything is made in a folder next to the release's, which is renamed at the end. An installation that is
killed leaves that folder; the next one of the same release removes it. A lock keeps two of them apart.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.asking import version_of
from harness.systems.installing.folders import RECORD, Installed, record_of, systems_home
from harness.systems.installing.pins import Accepting, Pins, pins_of
from harness.systems.installing.recipe import Recipe, Release, is_version
from harness.systems.installing.sources.source import Bench
from harness.systems.installing.tools import Say, demand

LOCK_BOUND_S = 3600.0
"""How long to wait for another installation of the same release; none takes longer."""
_LOOK_S = 0.2


def install(
    recipe: Recipe,
    version: str | None = None,
    *,
    unpinned: bool = False,
    home: Path | None = None,
    pins: Pins | None = None,
    say: Say = lambda _line: None,
) -> Path:
    """Install a release, if it is not there already, and return its folder.

    Args:
        recipe: the system's.
        version: the release, or a line of releases; None for the recipe's first one.
        unpinned: whether downloads without a pinned checksum are accepted.
        home: where systems are installed; None for the user's data folder.
        pins: the checksums; None for those of pins.py.
        say: shows one line of progress.

    Raises:
        CouldNotRun: it cannot be installed, and nothing is left of it; in one line.
    """
    release = recipe.release(version, unpinned=unpinned)
    folder = (systems_home() if home is None else home) / recipe.system / release.version
    if record_of(folder) is not None:
        return folder
    demand(release.source.tools, f"{recipe.system} {release.version}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder, say):
            if record_of(folder) is None:
                _find_space(folder.parent, release)
                pins = pins_of(recipe.system, release.version) if pins is None else pins
                _build(recipe, release, folder, Accepting(pins, unpinned=unpinned), say)
    except OSError as error:
        raise CouldNotRun(f"{recipe.system} {release.version} cannot be installed: {error}") from error
    return folder


def share_brought(recipe: Recipe, version: str, home: Path | None = None) -> Callable[[], float]:
    """What says about which share of a release is on the disk, while it is brought: by the space it needs.

    Args:
        recipe: the system's.
        version: the release.
        home: where systems are installed; None for the user's data folder.
    """
    folder = (systems_home() if home is None else home) / recipe.system
    needed = recipe.release(version, unpinned=True).needs_mib << 20

    def share() -> float:
        brought = sum(_size(path) for path in folder.glob(f".{version}.part-*/**/*"))
        return min(brought / needed, 1.0)

    return share


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # it was removed meanwhile
        return 0


def _build(recipe: Recipe, release: Release, folder: Path, accepting: Accepting, say: Say) -> None:
    begun = time.monotonic()
    prefix = f".{folder.name}.part-"
    for left in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(left)  # of an installation that was killed: it held the lock that is ours now
    if folder.exists():
        raise CouldNotRun(f"{folder} is in the way: it holds no complete release; remove it")
    part = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        bench = Bench(part / "tree", part / "scratch", accepting, say)
        bench.tree.mkdir()
        bench.scratch.mkdir()
        release.source.bring(bench, release.version)
        _prove(recipe, release, bench.tree)
        record = Installed(
            recipe.system,
            release.version,
            release.source.words,
            accepting.accepted,
            tuple(accepting.unpinned),
            round(time.monotonic() - begun, 1),
            release.note,
        )
        (bench.tree / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record)))
        _sync(bench.tree)  # the rename must not reach the disk before the files do
        bench.tree.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sync(tree: Path) -> None:
    """Have every file and folder of a tree on the disk."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _prove(recipe: Recipe, release: Release, tree: Path) -> None:
    """Find that each program starts, and that it is of the release's version."""
    for program in recipe.programs:
        found = version_of(recipe, program, release, tree)
        if not is_version(found, release.version):
            raise CouldNotRun(
                f"what was brought for {recipe.system} {release.version} is {program.name} {found}"
            )


def _find_space(folder: Path, release: Release) -> None:
    free_mib = shutil.disk_usage(folder).free >> 20
    if free_mib < release.needs_mib:
        raise CouldNotRun(
            f"{folder} has {free_mib} MiB free, and {release.version} needs {release.needs_mib} MiB: "
            "make space, or set XDG_DATA_HOME to a folder on another disk"
        )


@contextmanager
def _locked(folder: Path, say: Say) -> Iterator[None]:
    """Hold the lock of one release's folder."""
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        end = time.monotonic() + LOCK_BOUND_S
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise CouldNotRun(f"another installation of {folder} does not end") from None
                if not waiting:
                    say("another installation of the same release is running; this one waits for it")
                waiting = True
                time.sleep(_LOOK_S)
        yield
