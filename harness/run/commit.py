"""Which git commit is checked out where a command is called, so that runs can be found by it."""

from __future__ import annotations

import re
import subprocess

LONGEST_S = 5
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def commit_here() -> str | None:
    """The commit of the current folder's repository; None if there is none, or no git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    found = done.stdout.strip()
    return found if done.returncode == 0 and _COMMIT.fullmatch(found) else None
