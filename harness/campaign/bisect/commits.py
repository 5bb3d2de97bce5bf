"""The commits of a git repository, each checked out into a worktree of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from history.files import brief

LONGEST_GIT_S = 300
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")


class Commit(msgspec.Struct, frozen=True):
    """One commit."""

    id: str
    """All of its digits."""
    subject: str
    date: str = ""

    @property
    def short(self) -> str:
        """Its first twelve digits."""
        return self.id[:12]


class Repository:
    """A git repository on this machine. Nothing in it is changed but the list of worktrees, for a while."""

    def __init__(self, path: Path) -> None:
        self.root = Path(_git(path, "rev-parse", "--show-toplevel"))
        self.inside = Path(_git(path, "rev-parse", "--show-prefix") or ".")
        """Where `path` lies in it; a command that runs there finds the same files in a worktree."""

    def commit(self, revision: str) -> Commit:
        """The commit of a revision.

        Raises:
            CouldNotRun: there is none.
        """
        named = f"{revision}^{{commit}}"
        if revision.startswith("-") or _status(self.root, "rev-parse", "--verify", "--quiet", named) != 0:
            raise CouldNotRun(f"{self.root} has no commit {revision!r}")
        fields = _git(self.root, "log", "-1", "--format=%H%x00%s%x00%cs", named, "--")
        return Commit(*fields.split("\0"))

    def between(self, good: Commit, bad: Commit) -> list[Commit]:
        """The commits after `good` up to `bad`, in order, along first parents: a merge counts as one commit.

        Raises:
            CouldNotRun: `good` is no ancestor of `bad`, or is the same commit.
        """
        if _status(self.root, "merge-base", "--is-ancestor", good.id, bad.id) != 0 or good == bad:
            raise CouldNotRun(f"the good commit {good.short} does not come before the bad one, {bad.short}")
        listed = _git(
            self.root,
            *("log", "--first-parent", "--reverse", "--format=%H%x00%s%x00%cs"),
            *(f"{good.id}..{bad.id}", "--"),
        )
        return [Commit(*line.split("\0")) for line in listed.splitlines()]

    @contextlib.contextmanager
    def worktree(self, commit: Commit) -> Iterator[Path]:
        """A temporary folder with a commit checked out; it is removed afterwards, whatever happens.

        Raises:
            CouldNotRun: git cannot check it out.
        """
        folder = Path(tempfile.mkdtemp(prefix="ackproof-bisect-")).resolve()
        tree = folder / "tree"
        try:
            _git(self.root, *_NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(tree), commit.id)
            yield tree
        finally:
            _status(self.root, "worktree", "remove", "--force", str(tree))
            shutil.rmtree(folder, ignore_errors=True)


def _git(path: Path, *arguments: str) -> str:
    """What git prints, without the last line's end."""
    done = _run(path, arguments)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip() or f"it ended with status {done.returncode}"
        raise CouldNotRun(f"git {_name(arguments)} in {path}: {brief(words)}")
    return done.stdout.decode(errors="replace").rstrip("\n")


def _name(arguments: Sequence[str]) -> str:
    """The name of git's command, after its own options."""
    return next(word for word in arguments if word not in _NO_HOOKS)


def _status(path: Path, *arguments: str) -> int:
    return _run(path, arguments).returncode


def _run(path: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git")
    if git is None:
        raise CouldNotRun("a bisection needs git, which is not installed")
    try:
        return subprocess.run(  # noqa: S603 - an argument list, no shell
            [git, "-C", str(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_GIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CouldNotRun(
            f"git {_name(arguments)} in {path} took more than {LONGEST_GIT_S} seconds"
        ) from error
