"""Index honesty: the operation can have taken effect at the Raft index that its reply names.

The index is a claim on which others rely: a client that waits for it at another node, a checker that sorts by
it. An index is wrong if

- the nodes' traces show that the write was applied first at another index (for a repeated write, the index of
  its first copy), or two writes name the same index;
- the operation began after a reply had come with a higher index (for a write: the same or a higher one);
- the reply is not what the key, or the service, held at that index.

The last two show only that the indices *together* are no order. A history that has no order at all breaks
them, too. So they count against an index only if all operations concerned belong to parts that are proven to
be linearizable without indices. Otherwise the verdict is `unknown`, as it is if no reply names an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from checkers.lacking import lacks
from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.by_index.witness import IndexContradiction
from checkers.registry.linearizability.claims import READ, UNPLACED
from checkers.registry.linearizability.portfolio import Judgement, Judgements
from checkers.registry.names import reply_in_words
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import by_and_at, plural, seconds, sentence, who_answered
from history import History, Recording


@dataclass(frozen=True)
class IndexHonesty:
    """Compares every index that a reply names with the traces and with the other replies."""

    judgements: Judgements = field(default_factory=Judgements)
    name: str = "index-honesty"

    def check(self, recording: Recording) -> Verdict:
        """Judge all indices that replies name."""
        found = self.judgements.of(recording)
        claims, witness = found.claims, found.witness
        wrong = list(_not_where_applied(found))
        doubts = list(found.doubts[:1])
        for contradiction in witness.contradictions:
            if _is_solid(found, contradiction):
                wrong.append(contradiction)
            elif not doubts:
                what = f"operation {int(claims.invoked[contradiction.claim])}"
                doubts.append(
                    f"{what}: {contradiction.why}, but the cause may be another one than a wrong index"
                )
        placed = int(((claims.index != UNPLACED) & claims.answered).sum())
        if placed and witness.unplaced:
            doubts.append(plural(witness.unplaced, "reply names", "replies name") + " no index")
        mark: Mark
        if wrong:
            mark = Validity.INVALID
            summary = (
                f"{plural(len(wrong), 'wrong index', 'wrong indices')}; for example: {_text(found, wrong[0])}"
            )
        elif not placed and lacks(recording, "indices"):
            mark, summary, doubts = Unjudged.NOT_APPLICABLE, "the replies of this system name no index", []
        elif not placed:
            mark, summary = Unjudged.NOT_EXERCISED, "no reply names an index"
        elif doubts:
            mark, summary = Validity.UNKNOWN, doubts[0]
        else:
            mark, summary = (
                Validity.VALID,
                f"{plural(placed, 'reply names', 'replies name')} an index; "
                "each operation can have taken effect at its index",
            )
        shown = [_evidence(found, recording.history, one) for one in wrong[:MOST_EVIDENCE]]
        shown += [
            Evidence(title="not every index was judged", text=f"{sentence(doubt)}.")
            for doubt in doubts[:MOST_EVIDENCE]
        ]
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(shown),
            measures={
                "indices": placed,
                "replies_without_index": witness.unplaced,
                "contradictions": len(wrong),
            },
            caveats=()
            if found.applied.covered
            else ("no trace shows at which index the nodes applied writes",),
        )


def _not_where_applied(found: Judgement) -> Iterator[IndexContradiction]:
    """Answered writes that name another index than the first entry with their operation id has."""
    claims = found.claims
    if not found.applied.first:
        return
    for claim in np.flatnonzero(claims.answered & (claims.effect < READ) & (claims.index >= 0)).tolist():
        applied = found.applied.first.get(int(claims.invoked[claim]))
        index = int(claims.index[claim])
        # A lower index of which no trace shows what was applied there may be the write's first.
        if applied is not None and (applied < index or (applied > index and found.applied.shows(index))):
            yield IndexContradiction(claim, None, f"the nodes applied it at index {applied}")


def _is_solid(found: Judgement, contradiction: IndexContradiction) -> bool:
    """Whether only a wrong index can be the cause."""
    claims = found.claims
    both = [contradiction.claim] + ([] if contradiction.other is None else [contradiction.other])
    if contradiction.other is None and (
        found.may_expire or int(claims.service[contradiction.claim]) in claims.open
    ):
        return False  # an expiry that no trace shows, or a write without a reply, may explain this one
    return all(
        found.validity[found.witness.parts[claim]] is Validity.VALID and not claims.presumed[claim]
        for claim in both
    )


def _text(found: Judgement, wrong: IndexContradiction) -> str:
    claims = found.claims
    what = f"the reply to operation {int(claims.invoked[wrong.claim])}"
    return f"{what} names index {int(claims.index[wrong.claim])}, but {wrong.why}"


def _evidence(found: Judgement, history: History, wrong: IndexContradiction) -> Evidence:
    claims = found.claims
    claim, other = wrong.claim, wrong.other
    reply = history[int(claims.completed[claim])]  # only an operation with a reply names an index
    text = (
        f"{who_answered(reply)} answered operation "
        f"{int(claims.invoked[claim])} ({reply.f} {reply.key}) "
        f"at {seconds(reply.time)} with {reply_in_words(reply.value)} and index "
        f"{int(claims.index[claim])}, but {wrong.why}"
    )
    rows = {int(claims.invoked[claim])}
    if other is not None:
        rows.add(int(claims.invoked[other]))
        which = "an internal operation" if claims.invoked[other] < 0 else f"operation {claims.invoked[other]}"
        text += f". The operation that contradicts it is {which}"
        if 0 <= claims.completed[other] < len(history):
            text += f", answered{by_and_at(history[int(claims.completed[other])])}"
    shown = tuple(sorted(row for row in rows if 0 <= row < len(history)))
    title = (
        f"{who_answered(reply)} answered {reply.f} {reply.key} at {seconds(reply.time)} "
        f"with the wrong index {int(claims.index[claim])}"
    )
    return Evidence(title, f"{text}.", shown, kind="a reply with a wrong Raft index")
