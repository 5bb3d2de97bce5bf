"""What clients are shown of the membership, held against itself; it needs no traces.

A view is a node's own word: its role, term and commit index, and the newest configuration that its log holds,
with that one's Raft index. It is committed if the commit index has reached it. Then

- two committed configurations of one index are equal (state machine safety, Figure 3 of the paper);
- no two nodes lead one term (election safety);
- who leads is a voter in every configuration that it has committed and applied (thesis, 4.2.2: a leader
  steps down once its removal is committed).

That configurations change by one voter is judged from the traces alone (`membership`): between two views
there may have been any number of changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from checkers.limits import MUCH_EVIDENCE
from checkers.registry.names import MEMBERS
from checkers.verdict import Evidence, Validity, Verdict
from history import Operation, Recording


class _View(msgspec.Struct, frozen=True):
    role: str
    term: int
    commit: int
    applied: int
    configuration: int
    members: tuple[str, ...]
    learners: tuple[str, ...]


@dataclass
class _Seen:
    """The first view of each kind."""

    committed: dict[int, tuple[Operation, _View]] = field(default_factory=dict)
    leaders: dict[int, Operation] = field(default_factory=dict)


@dataclass(frozen=True)
class MembershipViews:
    """Judges every `members` that a node answered."""

    name: str = "membership-views"

    def check(self, recording: Recording) -> Verdict:
        """Compare each view with the first of its index, and each leader with the first of its term."""
        seen = _Seen()
        violations: list[Evidence] = []
        unreadable: list[int] = []
        views = 0
        for operation in _answers(recording):
            try:
                view = msgspec.convert(operation.value, _View)
            except msgspec.ValidationError:
                unreadable.append(operation.index)
                continue
            views += 1
            violations += _judge(operation, view, seen)
        doubts = [f"the answer at operation {index} is no view of a membership" for index in unreadable]
        if not views:
            doubts.append("no node showed anybody its configuration")
        if violations:
            validity, summary = Validity.INVALID, f"{len(violations)} violations, as: {violations[0].title}"
        elif doubts:
            validity, summary = Validity.UNKNOWN, doubts[0]
        else:
            validity = Validity.VALID
            summary = (
                f"{views} views of {len(seen.committed)} committed configurations and {len(seen.leaders)} "
                "leaders: none contradicts another"
            )
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=(
                *violations[:MUCH_EVIDENCE],
                *(Evidence(title="not known", text=f"{doubt}.") for doubt in doubts[:MUCH_EVIDENCE]),
            ),
            measures={"views": views, "committed_configurations_seen": len(seen.committed)},
        )


def _answers(recording: Recording) -> Iterator[Operation]:
    for operation in recording.history:
        if operation.f == MEMBERS and operation.type == "ok" and operation.is_client:
            yield operation


def _judge(operation: Operation, view: _View, seen: _Seen) -> Iterator[Evidence]:
    node = str(operation.node)
    if view.configuration <= view.commit:
        first, known = seen.committed.setdefault(view.configuration, (operation, view))
        if (known.members, known.learners) != (view.members, view.learners):
            text = (
                f"Both took the configuration of index {view.configuration} for committed. At operation "
                f"{first.index}, {first.node} showed {_named(known)}; at operation {operation.index}, {node} "
                f"showed {_named(view)}."
            )
            yield _evidence(f"two configurations at index {view.configuration}", text, first, operation)
    if view.role != "leader":
        return
    other = seen.leaders.setdefault(view.term, operation)
    if other.node != operation.node:
        text = (
            f"At operation {other.index}, {other.node} said that it leads term {view.term}; at operation "
            f"{operation.index}, {node} said so."
        )
        yield _evidence(f"two leaders of term {view.term}", text, other, operation)
    if view.configuration <= view.applied and node not in view.members:
        text = (
            f"At operation {operation.index}, {node} said that it leads term {view.term}, and that the "
            f"configuration of index {view.configuration}, which it has applied, is {_named(view)}."
        )
        yield _evidence(f"{node} leads after its removal", text, operation)


def _named(view: _View) -> str:
    learners = f" and the learners {', '.join(view.learners)}" if view.learners else ""
    return f"the voters {', '.join(view.members)}{learners}"


def _evidence(title: str, text: str, *operations: Operation) -> Evidence:
    return Evidence(
        title=title,
        text=text,
        operations=tuple(sorted({operation.index for operation in operations})),
        nodes=tuple(dict.fromkeys(str(operation.node) for operation in operations)),
    )
