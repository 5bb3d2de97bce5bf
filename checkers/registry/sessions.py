"""Session guarantees of a registry: what one client sees of its own operations, one after the other.

An update that found nothing to update is a read of nothing.

Lookups and lists that claim to be linearizable must keep all four (`session_rules`), since linearizability
implies them. Stale reads promise none: how often they break one is measured, and nobody is blamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.claims import CHANGE, FALSE, NOTHING, SNAPSHOT, UNPLACED
from checkers.registry.names import WRITES
from checkers.registry.versions import STALE, Versions
from checkers.verdict import Evidence, Validity, Verdict
from checkers.workloads.session_rules import GUARANTEES, Broken, Step, broken
from history import History, Recording
from history.history import OK


@dataclass(frozen=True)
class SessionGuarantees:
    """Judges the reads that claim to be recent; measures the others."""

    name: str = "session-guarantees"

    def check(self, recording: Recording) -> Verdict:
        """Look for what a session saw go backwards."""
        history = recording.history
        steps = list(_steps(history, Versions(recording)))
        stale = {history.columns.f_code(f) for f in STALE}
        is_stale = [int(history.columns.f[step.operation]) in stale for step in steps]
        promised = [step for step, loose in zip(steps, is_stale, strict=True) if not loose]
        found = broken(promised)
        loose_ones = {step.operation for step, loose in zip(steps, is_stale, strict=True) if loose}
        missed = Counter(
            one.guarantee for one in broken(steps) if loose_ones & {one.before.operation, one.after.operation}
        )
        sessions = len({step.session for step in promised})
        if found:
            validity = Validity.INVALID
            summary = f"{len(found)} times, as: {_text(history, found[0])}"
        elif len(promised) == sessions:
            validity, summary = Validity.UNKNOWN, "no session did two things, so nothing was shown"
        else:
            validity = Validity.VALID
            summary = f"{sessions} sessions saw nothing go backwards in {len(promised)} steps"
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(_evidence(history, one) for one in found[:MOST_EVIDENCE]),
            measures={
                "sessions": sessions,
                "steps": len(promised),
                "stale_steps": len(steps) - len(promised),
                "missed_by_stale_reads": {name: missed[name] for name in GUARANTEES},
            },
            caveats=("what a read saw is told by the Raft index that its reply names",),
        )


def _steps(history: History, versions: Versions) -> Iterator[Step]:
    """All answered operations whose place in the log is known, in the order in which sessions ended them."""
    claims, columns = versions.claims, history.columns
    shown: dict[int, dict[int, int]] = {}
    entries = claims.listings
    for claim, key, value in zip(
        entries.claim.tolist(), entries.key.tolist(), entries.value.tolist(), strict=True
    ):
        shown.setdefault(claim, {})[key] = value
    for claim in sorted(claims.answered.nonzero()[0].tolist(), key=lambda one: int(claims.completed[one])):
        end, index, effect = int(claims.completed[claim]), int(claims.index[claim]), int(claims.effect[claim])
        if index == UNPLACED or columns.type[end] != OK:
            continue
        session = int(columns.process[end])
        key, value = int(claims.key[claim]), int(claims.value[claim])
        found_nothing = effect == CHANGE and value == FALSE
        if columns.f_names[columns.f[end]] in WRITES and not found_nothing:
            yield Step(session, end, True, key, index, index)
            continue
        if effect == SNAPSHOT:
            listing = shown.get(claim, {})
            keys = versions.keys_of_service.get(int(claims.service[claim]), [])
            asked = [(key, listing.get(key, NOTHING)) for key in keys]
        else:
            asked = [(key, NOTHING if found_nothing else value)]
        for key, value in asked:
            place = None if key in versions.uncertain else versions.seen(key, value, index)
            if place is not None:
                yield Step(session, end, False, key, *place)


def _text(history: History, one: Broken) -> str:
    def told(step: Step) -> str:
        operation = history[step.operation]
        what = "wrote" if step.is_write else "saw"
        return (
            f"operation {history.invocation(operation).index} ({operation.f} {operation.key}) "
            f"{what} index {step.earliest if step is one.before else step.latest}"
        )

    return f"{one.guarantee}: process {one.after.session}: {told(one.before)}, and then {told(one.after)}"


def _evidence(history: History, one: Broken) -> Evidence:
    ends = (one.before.operation, one.after.operation)
    rows = {row for end in ends for row in (int(history.pairs[end]), end)}
    return Evidence(f"{one.guarantee} broken", f"{_text(history, one)}.", tuple(sorted(rows)))
