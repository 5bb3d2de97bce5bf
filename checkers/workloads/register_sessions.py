"""Session guarantees of registers whose writes are all different (Terry et al., PDIS 1994, section 3).

Each key's versions have an order that nobody tells. What a session does asks something of it, key by key:

- *read your writes*: what it reads is not before what it wrote; *monotonic reads*: nor before what it read;
- *monotonic writes*: what it writes comes after what it wrote; *writes follow reads*: and after what it read.

Nothing comes before all. All sessions share one order, as all replicas do in the end. So a history keeps all
four exactly if the graph of these steps has no cycle, for then any order along it will do. A cycle of steps
of one kind breaks that guarantee by itself; one of several kinds breaks them together. No real time is asked
for, and no order among keys: that is for `causal`, which lets replicas differ for ever.

Operations are those of `causal`: `write` (or `register`) of a value, `read` (or `lookup`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, Validity, Verdict, checked
from checkers.workloads.causal import CausalOperation, operations_of
from checkers.workloads.session_rules import GUARANTEES, Guarantee
from history import Recording

KIND: Mapping[tuple[bool, bool], Guarantee] = {
    (True, False): "read your writes",
    (False, False): "monotonic reads",
    (True, True): "monotonic writes",
    (False, True): "writes follow reads",
}
"""By whether the step before is a write, and whether the one after is."""


class Step(NamedTuple):
    """Two operations of one session and key: the version of the first is not after that of the second."""

    guarantee: Guarantee
    before: CausalOperation
    after: CausalOperation


@dataclass(frozen=True)
class RegisterSessions:
    """Looks for steps that no order of a key's versions keeps."""

    name: str = "sessions"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of registers.

        Raises:
            IllegalOperation: an operation is neither a read nor a write, or two writes of a key are equal.
        """
        operations = operations_of(recording.history)
        written = {(op.key, op.value) for op in operations if op.is_write}
        garbage = [
            op
            for op in operations
            if not op.is_write and op.value is not None and (op.key, op.value) not in written
        ]
        steps = list(_steps(operations))
        circles = list(_circles(steps))
        broken: Counter[str] = Counter(" and ".join(_kinds(circle)) for circle in circles)
        evidence = [_garbage(op) for op in garbage[:MOST_EVIDENCE]]
        evidence += [_evidence(circle) for circle in circles[: MOST_EVIDENCE - len(evidence)]]
        if evidence:
            validity = Validity.INVALID
            summary = f"{len(garbage) + len(circles)} times, as: {evidence[0].text}"
        elif not any(not step.after.is_write for step in steps):
            validity, summary = Validity.UNKNOWN, "no session read a key that it had used: nothing was shown"
        else:
            sessions = len({op.session for op in operations})
            validity = Validity.VALID
            summary = f"{len(steps)} steps of {sessions} sessions fit one order of each key's versions"
        measures = {
            "operations": len(operations),
            "steps": dict(Counter(step.guarantee for step in steps)),
            "broken": dict(broken),
        }
        caveat = "of each key with steps in a circle, one circle a guarantee was looked for"
        return Verdict(self.name, validity, summary, tuple(evidence), measures, (caveat,) if circles else ())

    def check(self, recording: Recording) -> Verdict:
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)


def _steps(operations: Sequence[CausalOperation]) -> Iterator[Step]:
    """From the latest read and write of a session and key to what follows; the rest follows from these."""
    latest: dict[tuple[int, Hashable, bool], CausalOperation] = {}
    for op in operations:
        for was_write in (True, False):
            before = latest.get((op.session, op.key, was_write))
            if before is not None and before.value != op.value:
                yield Step(KIND[was_write, op.is_write], before, op)
        latest[op.session, op.key, op.is_write] = op


def _circles(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Of each key one circle of each guarantee that has one by itself, or else one of several."""
    by_key: dict[Hashable, list[Step]] = {}
    for step in steps:
        by_key.setdefault(step.before.key, []).append(step)
    for own in by_key.values():
        if _circle(own) is None:
            continue
        alone = [_circle([step for step in own if step.guarantee == name]) for name in GUARANTEES]
        found = [circle for circle in alone if circle is not None]
        together = _circle(own)
        if not found and together is not None:
            found = [together]
        yield from found


def _circle(steps: Sequence[Step]) -> list[Step] | None:
    known: dict[tuple[Hashable, Hashable], Step] = {}
    after: dict[Hashable, list[Hashable]] = {}
    for step in steps:
        if step.after.value is None:
            return [step]  # Nothing comes before whatever the session had written or seen.
        if step.before.value is not None:
            pair = step.before.value, step.after.value
            if pair not in known:
                known[pair] = step
                after.setdefault(pair[1], []).append(pair[0])
    try:
        TopologicalSorter(after).prepare()
    except CycleError as circle:
        return [known[pair] for pair in pairwise(circle.args[1])]
    return None


def _kinds(circle: Sequence[Step]) -> list[str]:
    used = {step.guarantee for step in circle}
    return [name for name in GUARANTEES if name in used]


def _did(op: CausalOperation) -> str:
    what = "nothing" if op.value is None else repr(op.value)
    return f"operation {op.operation} {'wrote' if op.is_write else 'read'} {what}"


def _evidence(circle: Sequence[Step]) -> Evidence:
    key = circle[0].before.key
    told = "; ".join(
        f"process {step.before.session}: {_did(step.before)}, and then {_did(step.after)}" for step in circle
    )
    where = "" if key is None else f" of {key}"
    why = "nothing comes before all" if len(circle) == 1 else "no order of these versions keeps that"
    places = sorted({op.operation for step in circle for op in (step.before, step.after)})
    kinds = " and ".join(_kinds(circle))
    return Evidence(f"{kinds} broken{where}", f"{kinds}{where}: {told}: {why}.", tuple(places))


def _garbage(op: CausalOperation) -> Evidence:
    text = f"Process {op.session}: {_did(op)}{'' if op.key is None else f' of {op.key}'}, which nobody wrote."
    return Evidence("a read of what nobody wrote", text, (op.operation,))
