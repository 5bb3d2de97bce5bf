"""Node health: a node ends only when a fault or the teardown ends it, and logs no sign of a defect.

Nor does it go on without what lay in its log behind a flipped bit, whether it then serves or ends: it would
take what it had on disk, and may have acknowledged, for the torn end of a write.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from checkers.limits import MOST_LOG_LINES, MUCH_EVIDENCE
from checkers.run.faults import fault_operations
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import plural, seconds
from history import NodeLife, Recording

TRACEBACK = "Traceback (most recent call last)"
ASSERTION = re.compile(r"\bAssertionError\b|\bassertion\b.*\bfailed\b", re.IGNORECASE)
CRITICAL = re.compile(r"(?:^|\s)CRITICAL(?:\s|$)")
SIGNAL_EXIT_BASE = 128
"""A shell, or a program that follows its convention, exits with this plus the signal's number."""

STOP_STATUSES = "stop_statuses"
"""The option of a recording that lists the exit statuses of its system's processes on SIGTERM."""
ENDS_A_NODE_BY_ITS_OWN_ERROR = frozenset({"full", "disk-error", "rot", "descriptors", "memory"})
"""Faults after which a correct node ends by itself and gives the reason as its exit status. The harness
recognizes that status, and names the fault as the cause; after any other status it names no cause."""
DROPPED_BYTES = "dropped_bytes"
"""The detail of a fault that says how much of its log a node dropped behind a flipped bit."""
MOST_OF_ONE_WRITE_BYTES = 16 * 1024
"""Up to this a correct node may drop: a batch of writes that was not synced, which it takes for torn."""
OF_MEMORY = re.compile(r"MemoryError|Cannot allocate memory|can't start new thread")
"""How a traceback ends that is no defect where a fault took memory away."""


@dataclass(frozen=True)
class NodeHealth:
    """Judges how each life of each node ended, and its log."""

    name: str = "node-health"

    def check(self, recording: Recording) -> Verdict:
        """Look for unexpected ends, tracebacks, failed assertions and critical lines."""
        listed = recording.options.get(STOP_STATUSES, ())
        usual = tuple(listed) if isinstance(listed, list | tuple) else ()
        ends = (_unexpected_end(life, usual) for life in recording.lives)
        bad = [found for found in ends if found is not None]
        bad += _dropped(recording)
        doubts: list[str] = []
        lived = {life.node for life in recording.lives}
        missing = [node for node in recording.nodes if node not in lived]
        if not recording.lives:
            doubts.append("the recording does not say when any node ran")
        elif missing:
            doubts.append(f"the recording does not say when {', '.join(missing)} ran")
        unlogged = [node for node in recording.nodes if node not in recording.logs]
        if unlogged:
            doubts.append(f"the logs of {', '.join(unlogged)} were not collected")
        faults = recording.options.get("nemesis", ())
        starved = any(str(fault).partition(":")[0] == "memory" for fault in faults)
        lines = 0
        for node, path in recording.logs.items():
            try:
                with path.open(encoding="utf-8", errors="replace") as log:
                    text = log.read().splitlines()
            except OSError as error:
                doubts.append(f"the log of {node} cannot be read: {error}")
                continue
            lines += len(text)
            signs = _signs_of_defects(node, path, text)
            bad += [sign for sign in signs if not (starved and OF_MEMORY.search(sign.title))]
        if bad:
            validity, summary = (
                Validity.INVALID,
                f"{plural(len(bad), 'finding')}; for example: {bad[0].title}",
            )
        elif doubts:
            validity, summary = Validity.UNKNOWN, doubts[0]
        else:
            validity = Validity.VALID
            summary = (
                f"{plural(len(recording.lives), 'node process', 'node processes')}: "
                "none ended without a fault or the teardown; "
                f"{plural(lines, 'log line shows', 'log lines show')} no defect"
            )
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=(
                *bad[:MUCH_EVIDENCE],
                *(Evidence(title="node health is not known", text=f"{doubt}.") for doubt in doubts),
            ),
            measures={"lives": len(recording.lives), "log_lines": lines, "findings": len(bad)},
        )


def _unexpected_end(life: NodeLife, usual: Collection[Any]) -> Evidence | None:
    """What is wrong with the end of a life; `usual` are its system's exit statuses on SIGTERM."""
    if life.ended_at is None and life.status is None:
        return None
    own_error = (
        life.status is not None
        and 0 < life.status < SIGNAL_EXIT_BASE
        and life.ended_by not in ENDS_A_NODE_BY_ITS_OWN_ERROR
        and life.status not in usual
    )
    who = f"{life.node} {life.process}".strip()
    if life.ended_by is not None and not own_error:
        return None
    how = _in_words(life.status)
    if life.ended_by is None:
        title = f"{who} ended by itself: {how}"
        text = (
            f"Process {life.life} of {who} (pid {life.pid}) ended{_when(life)}: {how}. "
            "No fault and no teardown ended it."
        )
    else:
        title = f"{who} failed while {life.ended_by} ended it: {how}"
        text = (
            f"Process {life.life} of {who} (pid {life.pid}) was to be ended by {life.ended_by}, but it "
            f"ended{_when(life)} with an error of its own: {how}."
        )
    return Evidence(title=title, text=text, nodes=(life.node,))


def _dropped(recording: Recording) -> Iterator[Evidence]:
    """What nodes dropped of their logs behind a flipped bit: far more than one write."""
    for operation in fault_operations(recording.history):
        details = (action.details.items() for action in operation.actions)
        for node, facts in chain.from_iterable(details):
            lost = facts.get(DROPPED_BYTES) if isinstance(facts, Mapping) else None
            if not isinstance(lost, int) or lost <= MOST_OF_ONE_WRITE_BYTES:
                continue
            yield Evidence(
                title=f"{node} dropped {lost:,} bytes of its log behind a flipped bit",
                text=(
                    f"A bit of byte {facts.get('byte')} of {facts.get('file')} flipped before "
                    f"{seconds(operation.completion.time)}. {node} started with that file, and cut off the "
                    f"{lost:,} bytes that it had written behind the bit: more than one write, which a crash "
                    "may have torn. It must refuse to start."
                ),
                nodes=(node,),
            )


def _when(life: NodeLife) -> str:
    return "" if life.ended_at is None else f" at {seconds(life.ended_at)}"


def _in_words(status: int | None) -> str:
    if status is None:
        return "the exit status is not known"
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def _signs_of_defects(node: str, path: Path, lines: list[str]) -> Iterator[Evidence]:
    """One finding for each traceback, failed assertion and critical line; a traceback is shown whole."""
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if TRACEBACK in line:
            prefix = line.partition(TRACEBACK)[0]  # of each line of a log with times, or empty
            while end < len(lines) and lines[end].removeprefix(prefix).startswith((" ", "\t")):
                end += 1
            end = min(end + 1, len(lines))  # the line that names the exception
            title = f"{node} logged a traceback: {lines[end - 1].removeprefix(prefix).strip()}"
        elif ASSERTION.search(line):
            title = f"{node} logged a failed assertion"
        elif CRITICAL.search(line):
            title = f"{node} logged a critical line"
        else:
            at = end
            continue
        shown = lines[at:end]
        if len(shown) > MOST_LOG_LINES:
            shown = [*shown[: MOST_LOG_LINES // 2], "...", *shown[-MOST_LOG_LINES // 2 :]]
        text = f"{path.name}, from line {at + 1}:\n" + "\n".join(shown)
        yield Evidence(title=title, text=text, nodes=(node,))
        at = end
