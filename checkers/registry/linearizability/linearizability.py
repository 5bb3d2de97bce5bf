"""Linearizability of the `registry` workload, lists included."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.portfolio import Judgements
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import count, plural
from history import Recording

CAVEATS = ("every key is assumed to be empty at the beginning",)
EXPIRIES = (
    "expiries of instances are taken from the nodes' traces; an expiry that no trace shows is unknown here"
)


@dataclass(frozen=True)
class Linearizability:
    """Looks, for each key or each service with lists, for an order that explains every reply: see
    `portfolio`.

    A part that exceeds its budget is `unknown`; one key without an order makes the whole `invalid`.
    """

    judgements: Judgements = field(default_factory=Judgements)
    name: str = "linearizability"

    def check(self, recording: Recording) -> Verdict:
        """Judge every key and every list."""
        found = self.judgements.of(recording)
        doubts = list(found.doubts)
        mark: Mark
        if found.bad_keys or found.bad_lists:
            mark = Validity.INVALID
            lists = (
                f"lists of {plural(found.bad_lists, 'service')} show what the service did not hold "
                "at any one moment"
            )
            keys = (
                f"{count(found.bad_keys)} of {plural(found.keys, 'instance')} "
                f"{'is' if found.bad_keys == 1 else 'are'} not linearizable"
            )
            summary = "; ".join(
                text for text, bad in ((keys, found.bad_keys), (lists, found.bad_lists)) if bad
            )
        elif doubts:
            mark = Validity.UNKNOWN
            summary = f"{plural(len(doubts), 'reason')} why this is not known; for example: {doubts[0]}"
        elif not found.claims.answered.any():
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "no operation was answered, so there is no reply to explain",
            )
        else:
            mark = Validity.VALID
            summary = (
                f"{plural(found.operations, 'operation')} on {plural(found.keys, 'instance')}: "
                "an order of them explains every reply"
            )
        evidence = [
            *found.evidence,
            *(
                Evidence(title="linearizability was not judged", text=doubt)
                for doubt in doubts[:MOST_EVIDENCE]
            ),
        ]
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence),
            measures={
                "keys": found.keys,
                "keys_not_linearizable": found.bad_keys,
                "services_with_torn_lists": found.bad_lists,
                "operations": found.operations,
                "decided_by": dict(sorted(found.means.items())),
                "most_configurations_for_a_part": found.most_configurations,
            },
            caveats=(*CAVEATS, EXPIRIES) if found.applied.expired else CAVEATS,
        )
