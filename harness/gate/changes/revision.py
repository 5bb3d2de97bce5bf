"""Which files differ from a revision, as git knows them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

LONGEST_S = 60


def changed_files(revision: str, folder: Path) -> tuple[Path, ...]:
    """The files of the repository around a folder that differ from a revision: committed since, changed and
    not committed, new and not ignored, and those that are gone.

    Raises:
        ValueError: the folder is in no repository, or there is no such revision.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip("\n"))
    commit = _git(
        folder,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        named=revision,
    ).strip()
    differing = _git(top, "diff", "--name-only", "--no-renames", "-z", commit, "--")
    new = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    return tuple(top / name for name in dict.fromkeys((differing + new).split("\0")) if name)


def repository_of(folder: Path) -> Path:
    """The top folder of the repository around a folder.

    Raises:
        ValueError: there is none.
    """
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip("\n"))


def _git(folder: Path, *arguments: str, named: str | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git that the user has
            capture_output=True,
            timeout=LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"git does not answer ({error}); --changed needs it") from error
    if done.returncode:
        if named is not None:
            raise ValueError(
                f"{named!r} is no revision that this clone has; a shallow clone may lack it: "
                "git fetch --unshallow"
            )
        said: Sequence[str] = done.stderr.decode(errors="replace").strip().splitlines() or ["it failed"]
        raise ValueError(f"git in {folder}: {said[-1]}")
    return done.stdout.decode(errors="surrogateescape")
