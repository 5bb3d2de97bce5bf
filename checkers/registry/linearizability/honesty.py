"""Index honesty: each reply's Raft index is a moment at which the operation may have taken effect.

The index is a claim, and whoever trusts it (a client that waits for it at another node, a checker that sorts
by it) relies on it. It lies if

- it is not where the nodes' traces say that the write was applied first (which for a repeated write is the
  index of its first copy), or two writes claim one index;
- an operation began after a higher one had been answered (for writes: the same or a higher one);
- the reply is not what the log made of the key, or of the service, up to that index.

The last two show only that the claims *together* are no order. Where the history has none at all, that is
no wonder: they are held against indices only where all operations they name lie in parts that are proven to
be linearizable without them. Elsewhere it is `unknown`, as it is where no reply names an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.by_index.witness import IndexContradiction
from checkers.registry.linearizability.claims import READ, UNPLACED
from checkers.registry.linearizability.portfolio import Judgement, Judgements
from checkers.verdict import Evidence, Validity, Verdict
from history import History, Recording


@dataclass(frozen=True)
class IndexHonesty:
    """Holds every index that a reply names against the traces and against the other replies."""

    judgements: Judgements = field(default_factory=Judgements)
    name: str = "index-honesty"

    def check(self, recording: Recording) -> Verdict:
        """Judge all indices."""
        found = self.judgements.of(recording)
        claims, witness = found.claims, found.witness
        lies = list(_not_where_applied(found))
        doubts = list(found.doubts[:1])
        for contradiction in witness.contradictions:
            if _is_solid(found, contradiction):
                lies.append(contradiction)
            elif not doubts:
                what = f"operation {int(claims.invoked[contradiction.claim])}"
                doubts.append(f"{contradiction.why} ({what}), which may have other reasons than its index")
        placed = int(((claims.index != UNPLACED) & claims.answered).sum())
        if not placed:
            doubts.insert(0, "no reply names an index")
        elif witness.unplaced:
            doubts.append(f"{witness.unplaced} replies name no index")
        if lies:
            validity, summary = Validity.INVALID, f"{len(lies)} contradictions, as: {_text(found, lies[0])}"
        elif doubts:
            validity, summary = Validity.UNKNOWN, doubts[0]
        else:
            validity, summary = (
                Validity.VALID,
                f"{placed} indices are an order of all operations that name them",
            )
        told = [_evidence(found, recording.history, lie) for lie in lies[:MOST_EVIDENCE]]
        told += [Evidence(title="not judged", text=f"{doubt}.") for doubt in doubts[:MOST_EVIDENCE]]
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(told),
            measures={
                "indices": placed,
                "replies_without_index": witness.unplaced,
                "contradictions": len(lies),
            },
            caveats=() if found.applied.covered else ("no trace tells where writes were applied",),
        )


def _not_where_applied(found: Judgement) -> Iterator[IndexContradiction]:
    """Answered writes whose index is another than that of the first entry with their operation id."""
    claims = found.claims
    if not found.applied.first:
        return
    for claim in np.flatnonzero(claims.answered & (claims.effect < READ) & (claims.index >= 0)).tolist():
        applied = found.applied.first.get(int(claims.invoked[claim]))
        if applied is not None and applied != claims.index[claim]:
            yield IndexContradiction(claim, None, f"the nodes applied it at {applied}")


def _is_solid(found: Judgement, contradiction: IndexContradiction) -> bool:
    """Whether nothing but an index can be to blame."""
    claims = found.claims
    both = [contradiction.claim] + ([] if contradiction.other is None else [contradiction.other])
    if contradiction.other is None and int(claims.service[contradiction.claim]) in claims.open:
        return False  # a removal or registration that nobody answered may explain the reply
    return all(
        found.validity[found.witness.parts[claim]] is Validity.VALID and not claims.presumed[claim]
        for claim in both
    )


def _text(found: Judgement, lie: IndexContradiction) -> str:
    claims = found.claims
    what = f"operation {int(claims.invoked[lie.claim])}"
    return f"{what} names index {int(claims.index[lie.claim])}, but {lie.why}"


def _evidence(found: Judgement, history: History, lie: IndexContradiction) -> Evidence:
    claims = found.claims
    claim, other = lie.claim, lie.other
    reply = history[int(claims.completed[claim])]  # whoever is accused of a lie has answered
    text = f"{_text(found, lie)} ({reply.f} {reply.key}, answered {reply.value!r})"
    rows = {int(claims.invoked[claim]), reply.index}
    if other is not None:
        rows |= {int(claims.invoked[other]), int(claims.completed[other])}
        whose = "an internal operation" if claims.invoked[other] < 0 else f"operation {claims.invoked[other]}"
        text += f"; the other is {whose}"
    shown = tuple(sorted(row for row in rows if 0 <= row < len(history)))
    return Evidence("an index that is no moment of its operation", f"{text}.", shown)
