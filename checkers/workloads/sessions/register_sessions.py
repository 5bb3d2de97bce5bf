"""Session guarantees of registers whose writes are all different (Terry et al., PDIS 1994, section 3).

Each key's versions have an order that no reply names. A session's operations constrain it, key by key:

- *read your writes*: what it reads is not before what it wrote; *monotonic reads*: nor before what it read;
- *monotonic writes*: what it writes comes after what it wrote; *writes follow reads*: and after what it read.

The empty key comes before all versions. All sessions share one order, as all replicas do in the end. So a
history keeps all four exactly if the graph of these constraints has no cycle, for then any order along it
will do. A cycle of constraints of one guarantee breaks that guarantee by itself; a cycle of several breaks
them together. No real time is required, and no order among keys: that is for `causal`, which lets replicas
differ for ever.

Operations are those of `causal`: `write` (or `register`) of a value, `read` (or `lookup`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checkers.graphs import edges_of, small_cycle
from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict, checked
from checkers.workloads.sessions.causal import CausalOperation, operations_of
from checkers.workloads.sessions.session_rules import GUARANTEES, Guarantee
from history import Recording

KIND: Mapping[tuple[bool, bool], Guarantee] = {
    (True, False): "read your writes",
    (False, False): "monotonic reads",
    (True, True): "monotonic writes",
    (False, True): "writes follow reads",
}
"""By whether the earlier operation is a write, and whether the later one is."""


class VersionOrder(NamedTuple):
    """Two operations of one session and key: the version of the first is not after that of the second."""

    guarantee: Guarantee
    before: CausalOperation
    after: CausalOperation


@dataclass(frozen=True)
class RegisterSessions:
    """Looks for constraints of sessions that no order of a key's versions meets."""

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
        mark: Mark
        if evidence:
            mark = Validity.INVALID
            summary = (
                f"session guarantees were broken "
                f"{len(garbage) + len(circles)} times; for example: {evidence[0].text}"
            )
        elif not any(not step.after.is_write for step in steps):
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "no session read a key that it had used before, so no guarantee was tested",
            )
        else:
            sessions = len({op.session for op in operations})
            mark = Validity.VALID
            summary = (
                f"{len(steps)} pairs of operations of {sessions} sessions "
                f"fit one order of each key's versions"
            )
        measures = {
            "operations": len(operations),
            "steps": dict(Counter(step.guarantee for step in steps)),
            "broken": dict(broken),
        }
        caveat = "of each key and guarantee, only one cycle is shown"
        return Verdict.marked(
            self.name, mark, summary, tuple(evidence), measures, (caveat,) if circles else ()
        )

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _steps(operations: Sequence[CausalOperation]) -> Iterator[VersionOrder]:
    """The constraints between each operation and the session's latest read and write of its key before it.

    All other constraints follow from these.
    """
    latest: dict[tuple[int, Hashable, bool], CausalOperation] = {}
    for op in operations:
        for was_write in (True, False):
            before = latest.get((op.session, op.key, was_write))
            if before is not None and before.value != op.value:
                yield VersionOrder(KIND[was_write, op.is_write], before, op)
        latest[op.session, op.key, op.is_write] = op


def _circles(steps: Sequence[VersionOrder]) -> Iterator[list[VersionOrder]]:
    """For each key one cycle of each guarantee that has one by itself, or else one of several guarantees."""
    by_key: dict[Hashable, list[VersionOrder]] = {}
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


def _circle(steps: Sequence[VersionOrder]) -> list[VersionOrder] | None:
    known: dict[tuple[Hashable, Hashable], VersionOrder] = {}
    after: dict[Hashable, list[Hashable]] = {}
    for step in steps:
        if step.after.value is None:
            return [step]  # the key held nothing only before all that the session wrote or saw
        if step.before.value is not None:
            pair = step.before.value, step.after.value
            if pair not in known:
                known[pair] = step
                after.setdefault(pair[0], []).append(pair[1])
    cycle = small_cycle(after)
    return None if cycle is None else [known[edge] for edge in edges_of(cycle)]


def _kinds(circle: Sequence[VersionOrder]) -> list[str]:
    used = {step.guarantee for step in circle}
    return [name for name in GUARANTEES if name in used]


def _did(op: CausalOperation) -> str:
    what = "nothing" if op.value is None else repr(op.value)
    return f"operation {op.operation} {'wrote' if op.is_write else 'read'} {what}"


def _evidence(circle: Sequence[VersionOrder]) -> Evidence:
    key = circle[0].before.key
    order = "; ".join(
        f"process {step.before.session}: {_did(step.before)}, and then {_did(step.after)}" for step in circle
    )
    where = "" if key is None else f" of {key}"
    why = "a key holds nothing only before its first write"
    if len(circle) > 1:
        why = "no order of these versions agrees with that"
    places = sorted({op.operation for step in circle for op in (step.before, step.after)})
    kinds = " and ".join(_kinds(circle))
    who = " and ".join(dict.fromkeys(f"process {step.before.session}" for step in circle))
    title = f"{who} did not get {kinds}{where}"
    return Evidence(title, f"{kinds}{where}: {order}; {why}.", tuple(places), kind=kinds)


def _garbage(op: CausalOperation) -> Evidence:
    where = "" if op.key is None else f" of {op.key}"
    text = f"Process {op.session}: {_did(op)}{where}, a value that no client wrote."
    return Evidence(f"operation {op.operation} read a value that was never written", text, (op.operation,))
