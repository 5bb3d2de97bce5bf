"""Explains the verdict on a run: one sentence (who, what, when), a story of a few lines, and what a picture
of it must show.

It is computed in one place, `explain`, from the recording and its verdicts; every output shows the same.
`cause` finds the violation that the others follow from; `scene` looks things up in the recording; `gathered`
passes over the traces; `telling` holds what is known of one violation; `steps` says in words what a node did;
`sentences` makes the one sentence; `story` chooses the lines, those of one kind of question from `lines`;
`unknown` says what was missing. Nothing is judged here and nothing is guessed: where the recording
lacks a fact, the sentence says less.

A valid run computes nothing. The traces are passed over once or twice, whatever their size.
"""

from checkers.explanation import MOST_LINES, Explanation, LineKind, Moments, StoryLine
from reports.explain.explaining import explain

__all__ = ["MOST_LINES", "Explanation", "LineKind", "Moments", "StoryLine", "explain"]
