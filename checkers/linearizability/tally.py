"""What was found of a history's keys so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.evidence import without_source
from checkers.linearizability.part import HistoryParts, Part
from checkers.verdict import Evidence
from history import History

if TYPE_CHECKING:
    from checkers.linearizability.by_rule.deciding import Refuted
    from checkers.linearizability.engine import Engine
    from checkers.linearizability.impossible import Effort
    from checkers.linearizability.never_written import NeverWritten


class Proved(NamedTuple):
    """Keys that were judged elsewhere, each of which has an order."""

    keys: frozenset[str | None]
    operations: int
    without_search: int
    most_configurations: int

    def and_(self, other: Proved) -> Proved:
        """Both together."""
        return Proved(
            self.keys | other.keys,
            self.operations + other.operations,
            self.without_search + other.without_search,
            max(self.most_configurations, other.most_configurations),
        )


NONE_PROVED = Proved(frozenset(), 0, 0, 0)


@dataclass
class Tally:
    """The results of all keys so far."""

    history: History
    keys: int = 0
    bad: int = 0
    operations: int = 0
    without_search: int = 0
    most_configurations: int = 0
    doubts: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    at_once: tuple[HistoryParts, Engine] | None = None
    """The keys that were searched at once, if some were, and the engine that knows what their calls do."""
    by_rule: dict[str | None, Refuted] = field(default_factory=dict)
    """By key a few operations without an order, which a rule found."""
    effort: Effort | None = None
    """What is left of the effort of explaining keys, once one was."""
    first_bad: Part | None = None
    """The first key without an order, up to the reply that shows it; None if no initial value explains it."""
    is_to_explain: bool = True
    """Whether it is to be said why keys have no order. If not, the first such key ends the judging."""

    @classmethod
    def of(cls, history: History, proved: Proved, *, is_to_explain: bool = True) -> Tally:
        """A tally that begins with the keys that were judged elsewhere."""
        return cls(
            history,
            is_to_explain=is_to_explain,
            keys=len(proved.keys),
            operations=proved.operations,
            without_search=proved.without_search,
            most_configurations=proved.most_configurations,
        )

    @property
    def is_decided(self) -> bool:
        """Whether nothing that is still to be judged can change what is wanted."""
        return self.bad > 0 and not self.is_to_explain

    def add_without_source(self, part: Part, reply: NeverWritten) -> None:
        """Count a key with a reply that names what was never there; no search is needed."""
        self.keys += 1
        self.bad += 1
        self.operations += len(part)
        self.without_search += 1
        if not self.is_to_explain:
            return
        if self.bad == 1:
            from checkers.linearizability.impossible import doubled, until

            self.first_bad = until(doubled(part), int(part.completed[reply.place]))
        if len(self.evidence) < MOST_EVIDENCE:
            self.evidence.append(without_source(part, reply, self.history))
