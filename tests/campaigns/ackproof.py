"""Runs the `ackproof` command as a user does, and reads its JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    results: dict[str, Any]
    """What --json printed; empty if it printed none."""
    errors: str

    @property
    def by_checker(self) -> dict[str, str]:
        """The mark of each checker: its validity, or why it judged nothing."""
        return {
            verdict["checker"]: verdict.get("unjudged", verdict["validity"])
            for verdict in self.results.get("verdicts", ())
        }

    @property
    def telling(self) -> str:
        """What does not say valid, for a failing test's message."""
        wrong = [
            f"{verdict['checker']} {verdict['validity']}: {verdict['summary']}"
            for verdict in self.results.get("verdicts", ())
            if verdict["validity"] != "valid"
        ]
        return "\n".join([f"status {self.status}", *wrong, self.errors])


def ackproof(*arguments: str, state: Path, timeout_s: float = 240) -> Ran:
    """Run `ackproof ARGUMENTS --json`; its clean-up ledger lies in `state`."""
    done = subprocess.run(
        [ACKPROOF, *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )
    return Ran(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)
