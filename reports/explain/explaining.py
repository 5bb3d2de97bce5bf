"""From a recording and its verdicts to the explanation."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from checkers.check_all import combined
from checkers.explanation import Explanation, Moments, StoryLine
from checkers.verdict import Validity, Verdict
from history import Recording
from reports.explain.cause import find_cause
from reports.explain.scene import Scene
from reports.explain.sentences.headline import headline
from reports.explain.story import nodes_of, story_of
from reports.explain.telling import Telling, tell
from reports.explain.unknown import unknown

MARGIN_SHARE = 10
"""A picture shows this part of the interval in addition, on each side."""


def explain(
    recording: Recording, verdicts: Sequence[Verdict], required: Collection[str] = (), seal: str = ""
) -> Explanation | None:
    """Explain why a run is not valid; None for a valid one.

    Args:
        recording: the run.
        verdicts: those of all its checkers.
        required: the names of the checkers that the run requires.
        seal: what the seal of the run's folder shows, in words; it shows a harness that was killed.
    """
    validity = combined(verdicts, required)
    if validity is Validity.VALID or not verdicts:
        return None
    scene = Scene(recording)
    if validity is Validity.UNKNOWN:
        return unknown(scene, verdicts, required, seal)
    cause = find_cause(scene, verdicts)
    assert cause is not None, "an invalid run has an invalid verdict"
    telling = tell(scene, verdicts, cause)
    story = story_of(telling)
    return Explanation(
        validity=validity,
        headline=headline(telling),
        cause=cause.verdict.checker,
        evidence=cause.place,
        story=story,
        follows=cause.follows,
        apart=cause.apart,
        more=cause.more,
        moments=_moments(telling, story),
    )


def _moments(telling: Telling, story: Sequence[StoryLine]) -> Moments:
    """What a picture must show: all of the story, with a margin."""
    end_of_run = telling.scene.end
    times = [line.time for line in story if line.time is not None]
    begin, end = (min(times), max(times)) if times else (0, end_of_run)
    margin = max((end - begin) // MARGIN_SHARE, 1_000_000)
    nodes = [*nodes_of(telling), *(line.node for line in story if line.node is not None)]
    numbers = [line.operation for line in story if line.operation is not None and line.kind != "fault"]
    return Moments(
        begin=max(begin - margin, 0),
        end=min(end + margin, max(end_of_run, end)),
        nodes=tuple(dict.fromkeys(nodes)),
        operations=tuple(dict.fromkeys(numbers)),
        events=tuple(dict.fromkeys(line.event for line in story if line.event is not None)),
        terms=tuple(sorted({line.term for line in story if line.term is not None})),
        indices=tuple(sorted(set(telling.indices))),
        wrong=next((place for place, line in enumerate(story) if line.is_wrong), None),
    )
