"""Unique ids: whoever asks for an id gets one that nobody else gets.

Operations, as Jepsen's `unique-ids` has them: `generate`, whose reply is the id: a number, a text or a list
of these. Ids that are equal as JSON are equal: 1 and "1" are two ids. A reply that never came gave an id to
nobody. With keys, ids are unique within a key.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Validity, Verdict, checked
from checkers.workloads.asked import Asked, asked, element, named, of, rows
from history import Recording

GENERATE = "generate"


@dataclass(frozen=True)
class UniqueIds:
    """Looks for an id that was given twice."""

    name: str = "unique-ids"

    def judge(self, recording: Recording) -> Verdict:
        """Compare all ids that were given.

        Raises:
            IllegalOperation: an operation other than `generate`, or a reply that is no id.
        """
        given: dict[tuple[str | None, Hashable], list[Asked]] = {}
        attempted = acknowledged = 0
        numbers: list[int] = []
        for one in asked(recording.history, self.name, [GENERATE]):
            attempted += 1
            if one.outcome == "ok":
                acknowledged += 1
                given.setdefault((one.begun.key, _id(one)), []).append(one)
                if type(one.told) is int:
                    numbers.append(one.told)
        twice = {named_id: them for named_id, them in given.items() if len(them) > 1}
        evidence = tuple(
            Evidence(
                f"id {them[0].told!r}{of(key)} given {len(them)} times",
                f"{_sentence(them)} each got the id {them[0].told!r}{of(key)}.",
                rows(*them[:MOST_EVIDENCE]),
            )
            for (key, _), them in sorted(twice.items(), key=lambda item: -len(item[1]))[:MOST_EVIDENCE]
        )
        if twice:
            validity, summary = Validity.INVALID, f"{len(twice)} ids were given twice, as: {evidence[0].text}"
        elif acknowledged < 2:
            validity, summary = Validity.UNKNOWN, f"{acknowledged} ids were given, so none could be equal"
        else:
            validity, summary = Validity.VALID, f"{acknowledged} ids, all different"
        measures: dict[str, Any] = {
            "attempted": attempted,
            "acknowledged": acknowledged,
            "duplicated": len(twice),
        }
        if numbers:
            measures["range"] = [min(numbers), max(numbers)]
        return Verdict(self.name, validity, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)


def _id(one: Asked) -> Hashable:
    told = one.told
    items = told if isinstance(told, list | tuple) and told else [told]
    if not all(type(item) in (int, float, str) for item in items):
        where = one.rows[-1]
        raise IllegalOperation(where, f"an id is a number, a text or a list of these, not {told!r}")
    return element(told)


def _sentence(them: list[Asked]) -> str:
    words = named(them)
    return words[0].upper() + words[1:]
