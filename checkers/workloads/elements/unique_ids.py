"""Unique ids: each client that asks for an id gets one that no other client gets.

Operations, as Jepsen's `unique-ids` has them: `generate`, whose reply is the id: a number, a text or a list
of these. Ids that are equal as JSON are equal: 1 and "1" are two ids. An operation without a reply gave no
id. With keys, ids are unique within a key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural, sentence
from checkers.workloads.client_operations import (
    ClientOperation,
    client_operations,
    element,
    named,
    numbers,
    of,
)
from history import Recording
from history.values import Typed

GENERATE = "generate"


@dataclass(frozen=True)
class UniqueIds:
    """Looks for an id that was given to two requests."""

    name: str = "unique-ids"

    def judge(self, recording: Recording) -> Verdict:
        """Compare all ids that were given.

        Raises:
            IllegalOperation: an operation other than `generate`, or a reply that is no id.
        """
        given: dict[tuple[str | None, Hashable], list[ClientOperation]] = {}
        attempted = acknowledged = 0
        whole: list[int] = []
        for one in client_operations(recording.history, self.name, [GENERATE]):
            attempted += 1
            if one.outcome == "ok":
                acknowledged += 1
                given.setdefault((one.invocation.key, _id(one)), []).append(one)
                if type(one.reply) is int:
                    whole.append(one.reply)
        twice = {named_id: them for named_id, them in given.items() if len(them) > 1}
        evidence = tuple(
            Evidence(
                f"id {them[0].reply!r}{of(key)} was given {len(them)} times",
                f"{sentence(named(them))} each got the id {them[0].reply!r}{of(key)}.",
                numbers(*them[:MOST_EVIDENCE]),
            )
            for (key, _), them in sorted(twice.items(), key=lambda item: -len(item[1]))[:MOST_EVIDENCE]
        )
        by_key = Counter(key for key, _ in given)
        mark: Mark
        if twice:
            mark, summary = (
                Validity.INVALID,
                f"{len(twice)} ids were given twice; for example: {evidence[0].text}",
            )
        elif max(by_key.values(), default=0) < 2:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                f"{plural(acknowledged, 'id was', 'ids were')} given, no two where they could be equal",
            )
        else:
            mark, summary = Validity.VALID, f"{acknowledged} ids were given, all different"
        measures: dict[str, Any] = {
            "attempted": attempted,
            "acknowledged": acknowledged,
            "duplicated": len(twice),
        }
        if whole:
            measures["range"] = [min(whole), max(whole)]
        return Verdict.marked(self.name, mark, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _id(one: ClientOperation) -> Hashable:
    reply = one.reply
    items = reply if isinstance(reply, list | tuple) and reply else [reply]
    if not all(type(item) in (int, float, str, Typed) for item in items):
        where = one.positions[-1]
        raise IllegalOperation(where, f"an id is a number, a text or a list of these, not {reply!r}")
    return element(reply)
