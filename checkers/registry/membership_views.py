"""Membership views: what nodes answer about their cluster agrees; this needs no traces.

A view is what one node says about itself: its role, term and commit index, and the newest configuration in
its log with that configuration's Raft index. A configuration is committed if the commit index has reached it.
Then

- two committed configurations of one index are equal (state machine safety, Figure 3 of the paper);
- no two nodes lead one term (election safety);
- a leader is a voter in every configuration that it has committed and applied (thesis, 4.2.2: a leader steps
  down when its removal is committed).

Only the traces show whether configurations change by one voter at a time (checker `membership`), since there
may have been any number of changes between two views.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from checkers.limits import MUCH_EVIDENCE
from checkers.registry.names import MEMBERS
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from history import Recording


class _View(msgspec.Struct, frozen=True):
    role: str
    term: int
    commit: int
    applied: int
    configuration: int
    members: tuple[str, ...]
    learners: tuple[str, ...]


class _Answer(NamedTuple):
    """What a node answered to the operation of this number."""

    number: int
    node: str
    value: Any


@dataclass
class _Seen:
    """The first committed view of each index, and the first leader of each term."""

    committed: dict[int, tuple[_Answer, _View]] = field(default_factory=dict)
    leaders: dict[int, _Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class MembershipViews:
    """Judges every answer to the operation `members`."""

    name: str = "membership-views"

    def check(self, recording: Recording) -> Verdict:
        """Compare each view with the first of its index, and each leader with the first of its term."""
        seen = _Seen()
        violations: list[Evidence] = []
        unreadable: list[int] = []
        views = 0
        for answer in _answers(recording):
            try:
                view = msgspec.convert(answer.value, _View)
            except msgspec.ValidationError:
                unreadable.append(answer.number)
                continue
            views += 1
            violations += _judge(answer, view, seen)
        doubts = [f"operation {index} is no view of a membership" for index in unreadable]
        mark: Mark
        if violations:
            mark, summary = (
                Validity.INVALID,
                f"{len(violations)} violations; for example: {violations[0].title}",
            )
        elif doubts:
            mark, summary = Validity.UNKNOWN, doubts[0]
        elif not views:
            mark, summary = Unjudged.NOT_EXERCISED, "no node was asked for its configuration"
        else:
            mark = Validity.VALID
            summary = (
                f"{views} views of {len(seen.committed)} committed configurations and {len(seen.leaders)} "
                "leaders: no two contradict each other"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=(
                *violations[:MUCH_EVIDENCE],
                *(
                    Evidence(title="the membership is not known", text=f"{doubt}.")
                    for doubt in doubts[:MUCH_EVIDENCE]
                ),
            ),
            measures={"views": views, "committed_configurations_seen": len(seen.committed)},
        )


def _answers(recording: Recording) -> Iterator[_Answer]:
    history = recording.history
    for operation in history:
        if operation.f == MEMBERS and operation.type == "ok" and operation.is_client:
            yield _Answer(history.number(operation.index), str(operation.node), operation.value)


def _judge(answer: _Answer, view: _View, seen: _Seen) -> Iterator[Evidence]:
    node = answer.node
    if view.configuration <= view.commit:
        first, known = seen.committed.setdefault(view.configuration, (answer, view))
        if (known.members, known.learners) != (view.members, view.learners):
            text = (
                f"Two nodes say that different configurations are committed at index {view.configuration}. "
                f"At operation {first.number}, {first.node} showed {_named(known)}; at operation "
                f"{answer.number}, {node} showed {_named(view)}."
            )
            yield _evidence(
                f"{first.node} and {node} committed two configurations at index {view.configuration}",
                text,
                first,
                answer,
            )
    if view.role != "leader":
        return
    other = seen.leaders.setdefault(view.term, answer)
    if other.node != node:
        text = (
            f"At operation {other.number}, {other.node} reported that it leads term {view.term}; at "
            f"operation {answer.number}, {node} reported the same."
        )
        yield _evidence(f"{other.node} and {node} both lead term {view.term}", text, other, answer)
    if view.configuration <= view.applied and node not in view.members:
        text = (
            f"At operation {answer.number}, {node} reported that it leads term {view.term}, and that the "
            f"configuration of index {view.configuration}, which it has applied, is {_named(view)}."
        )
        yield _evidence(f"{node} leads term {view.term} after its removal", text, answer)


def _named(view: _View) -> str:
    learners = f" and the learners {', '.join(view.learners)}" if view.learners else ""
    return f"the voters {', '.join(view.members)}{learners}"


def _evidence(title: str, text: str, *answers: _Answer) -> Evidence:
    return Evidence(
        title=title,
        text=text,
        operations=tuple(sorted({answer.number for answer in answers})),
        nodes=tuple(dict.fromkeys(answer.node for answer in answers)),
    )
