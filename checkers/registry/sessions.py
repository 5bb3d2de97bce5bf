"""Session guarantees of a registry: what one client sees of its own operations, one after the other.

Lookups and lists that claim to be linearizable must keep all four guarantees (`session_rules`), since
linearizability implies them. Stale reads promise none of them: how often they break one is measured, and is
no violation. An update that found nothing to update counts as a read of nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from checkers.lacking import lacks
from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.claims import CHANGE, FALSE, NOTHING, SNAPSHOT, UNPLACED
from checkers.registry.names import WRITES
from checkers.registry.versions import STALE, Versions
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import by_and_at, plural, seconds
from checkers.workloads.sessions.session_rules import (
    GUARANTEES,
    BrokenGuarantee,
    SessionStep,
    broken_guarantees,
)
from history import History, Recording
from history.history import OK


@dataclass(frozen=True)
class SessionGuarantees:
    """Judges the reads that claim to be recent, and measures the others."""

    name: str = "session-guarantees"

    def check(self, recording: Recording) -> Verdict:
        """Look for sessions that saw something go backwards."""
        history = recording.history
        steps = list(_steps(history, Versions(recording)))
        stale = {history.columns.f_code(name) for name in STALE}
        f = history.columns.f.tolist()
        is_stale = [f[step.operation] in stale for step in steps]
        promised = [step for step, loose in zip(steps, is_stale, strict=True) if not loose]
        found = broken_guarantees(promised)
        loose_ones = {step.operation for step, loose in zip(steps, is_stale, strict=True) if loose}
        missed = Counter(
            one.guarantee
            for one in broken_guarantees(steps)
            if loose_ones & {one.before.operation, one.after.operation}
        )
        sessions = len({step.session for step in promised})
        mark: Mark
        if found:
            mark = Validity.INVALID
            summary = (
                f"{plural(len(found), 'violation')} of session guarantees; "
                f"for example: {_text(history, found[0])}"
            )
        elif not promised and lacks(recording, "indices"):
            mark, summary = Unjudged.NOT_APPLICABLE, "the replies of this system name no index"
        elif len(promised) == sessions:
            mark, summary = Unjudged.NOT_EXERCISED, "no client did two operations, so no guarantee was tested"
        else:
            mark = Validity.VALID
            summary = (
                f"{plural(sessions, 'session')} with {plural(len(promised), 'operation')}: "
                "no session went back to older data"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(_evidence(history, one) for one in found[:MOST_EVIDENCE]),
            measures={
                "sessions": sessions,
                "steps": len(promised),
                "stale_steps": len(steps) - len(promised),
                "missed_by_stale_reads": {name: missed[name] for name in GUARANTEES},
            },
            caveats=("what a read saw is known from the Raft index in its reply",),
        )


def _steps(history: History, versions: Versions) -> Iterator[SessionStep]:
    """All answered operations whose place in the log is known, in the order of their completions."""
    claims, columns = versions.claims, history.columns
    shown: dict[int, dict[int, int]] = {}
    entries = claims.listings
    for claim, key, value in zip(
        entries.claim.tolist(), entries.key.tolist(), entries.value.tolist(), strict=True
    ):
        shown.setdefault(claim, {})[key] = value
    answered = claims.answered.nonzero()[0]
    answered = answered[np.argsort(claims.completed[answered], kind="stable")]
    ends = claims.completed[answered]
    rows = zip(  # as Python's own numbers, which is faster than to ask numpy for each
        answered.tolist(),
        ends.tolist(),
        claims.index[answered].tolist(),
        claims.effect[answered].tolist(),
        claims.key[answered].tolist(),
        claims.value[answered].tolist(),
        columns.type[ends].tolist(),
        columns.process[ends].tolist(),
        columns.f[ends].tolist(),
        strict=True,
    )
    for claim, end, index, effect, key, value, kind, session, f in rows:
        if index == UNPLACED or kind != OK:
            continue
        found_nothing = effect == CHANGE and value == FALSE
        if columns.f_names[f] in WRITES and not found_nothing:
            yield SessionStep(session, end, True, key, index, index)
            continue
        if effect == SNAPSHOT:
            listing = shown.get(claim, {})
            keys = versions.keys_of_service.get(int(claims.service[claim]), [])
            asked = [(one, listing.get(one, NOTHING)) for one in keys]
        else:
            asked = [(key, NOTHING if found_nothing else value)]
        for read, seen in asked:
            place = None if read in versions.uncertain else versions.seen(read, seen, index)
            if place is not None:
                yield SessionStep(session, end, False, read, *place)


def _text(history: History, one: BrokenGuarantee) -> str:
    def described(step: SessionStep) -> str:
        operation = history[step.operation]
        what = "wrote" if step.is_write else "saw the state of"
        return (
            f"operation {history.invocation(operation).index} ({operation.f} {operation.key}, "
            f"answered{by_and_at(operation)}) {what} index "
            f"{step.earliest if step is one.before else step.latest}"
        )

    before, after = described(one.before), described(one.after)
    return f"process {one.after.session} did not get {one.guarantee}: {before}, and then {after}"


def _evidence(history: History, one: BrokenGuarantee) -> Evidence:
    ends = (one.before.operation, one.after.operation)
    numbers = {history.number(end) for end in ends}
    title = (
        f"process {one.after.session} did not get {one.guarantee} "
        f"at {seconds(history[one.after.operation].time)}"
    )
    text = _text(history, one)
    return Evidence(title, f"{text[0].upper()}{text[1:]}.", tuple(sorted(numbers)), kind=one.guarantee)
