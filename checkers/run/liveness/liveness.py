"""The checker `liveness`: a quorum that is well works, a quiet cluster stays quiet, a deposed leader notices.

It is exercised by simulated runs, whose end is quiet by design (`harness/sim/run.py`), and by traces of real
nodes as far as `quiet.py` and `stepping_down.py` say.
"""

from __future__ import annotations

from dataclasses import dataclass

from checkers.lacking import lacks
from checkers.limits import MOST_EVIDENCE
from checkers.run.liveness.calm import judge_calm_times
from checkers.run.liveness.pre_votes import judge_pre_votes
from checkers.run.liveness.quiet import judge_quiet_end
from checkers.run.liveness.quorum import judge_quorum_ends
from checkers.run.liveness.stepping_down import judge_leaderships
from checkers.run.writes import WRITES
from checkers.verdict import Mark, Unjudged, Validity, Verdict
from history import Recording


@dataclass(frozen=True)
class Liveness:
    """Judges whether a cluster that is well works, and rests."""

    name: str = "liveness"
    writes: tuple[str, ...] = WRITES
    """The operations that are writes."""

    def check(self, recording: Recording) -> Verdict:
        """Let each judge look at its part of the run."""
        if lacks(recording, "contents") or lacks(recording, "habits"):
            why = "it is not known when a leader of this system stops, and which of its messages are needed"
            return Verdict.marked(self.name, Unjudged.NOT_APPLICABLE, why)
        found = (
            judge_quorum_ends(recording, self.writes),
            judge_quiet_end(recording),
            judge_calm_times(recording),
            judge_leaderships(recording),
            judge_pre_votes(recording),
        )
        evidence = [one for part in found for one in part.evidence]
        doubts = [doubt for part in found for doubt in part.doubts]
        mark: Mark
        if evidence:
            mark, summary = Validity.INVALID, "; ".join(one.title for one in evidence[:MOST_EVIDENCE])
        elif doubts:
            mark, summary = Validity.UNKNOWN, "; ".join(doubts)
        elif any(part.held for part in found):
            mark, summary = Validity.VALID, "; ".join(part.held for part in found if part.held)
        else:
            mark = Unjudged.NOT_EXERCISED
            summary = "; ".join(part.idle for part in found if part.idle)
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={name: value for part in found for name, value in part.measures.items()},
        )
