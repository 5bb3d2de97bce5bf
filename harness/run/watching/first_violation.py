"""Judges the record of a run that still goes on: `python -m harness.run.watching.first_violation FOLDER`.

It prints, as a JSON text, the headline of the first violation, or an empty text. Nothing is written into the
folder. What is missing because the run goes on makes verdicts `unknown`, never `invalid`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from checkers.check_all import check_all
from checkers.verdict import Validity
from harness.run.folder import RunFolder
from harness.workload import workload

WATCHED = frozenset(
    {
        "linearizability",
        "index-honesty",
        "election-safety",
        "one-vote-a-term",
        "log-matching",
        "state-machine-safety",
        "leader-append-only",
        "leader-completeness",
        "committed-never-truncated",
        "term-monotonic",
        "commit-monotonic",
    }
)
"""The checkers whose violations stay violations, however the run goes on."""


def first_violation(folder: RunFolder) -> str:
    """The headline of the first violation in a run's folder as it stands, or an empty text."""
    recording = folder.recording()
    options = recording.options
    suite = workload(options["workload"], recording.nodes, options["concurrency"]).checkers
    for verdict in check_all([one for one in suite if one.name in WATCHED], recording):
        if verdict.validity is Validity.INVALID:
            title = verdict.evidence[0].title if verdict.evidence else verdict.summary
            return f"{verdict.checker}: {title}"
    return ""


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(first_violation(RunFolder(Path(sys.argv[1])))))
