"""Echo: each answer is what was sent. Operations, as Maelstrom's workload of that name has them: `echo`."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural
from checkers.workloads.client_operations import client_operations, element, numbers
from history import Recording
from history.values import in_words

ECHO = "echo"


@dataclass(frozen=True)
class Echo:
    """Compares each answer with what was sent."""

    name: str = "echo"

    def judge(self, recording: Recording) -> Verdict:
        """Compare all answers.

        Raises:
            IllegalOperation: an operation other than `echo`.
        """
        answered = [
            one for one in client_operations(recording.history, self.name, [ECHO]) if one.outcome == "ok"
        ]
        wrong = [one for one in answered if element(one.reply) != element(one.invocation.value)]
        evidence = tuple(
            Evidence(
                "an answer differs from what was sent",
                f"Operation {one.at} sent {in_words(one.invocation.value)}; {one.invocation.node} answered "
                f"{in_words(one.reply)}.",
                numbers(one),
            )
            for one in wrong[:MOST_EVIDENCE]
        )
        mark: Mark
        if wrong:
            mark = Validity.INVALID
            summary = f"{plural(len(wrong), 'answer differs', 'answers differ')}: {evidence[0].text}"
        elif not answered:
            mark, summary = Unjudged.NOT_EXERCISED, "no request was answered"
        else:
            mark, summary = Validity.VALID, f"{len(answered)} answers are what was sent"
        return Verdict.marked(
            self.name, mark, summary, evidence, {"answered": len(answered), "wrong": len(wrong)}
        )

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)
