"""Why a run shows neither that the system is right nor that it is wrong, and what would show it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from checkers.check_all import decisive
from checkers.explanation import Explanation
from checkers.run.vacuity import ENDED_EARLY
from checkers.verdict import Unjudged, Validity, Verdict
from history.units import SECOND_NS
from reports.explain.scene import Scene
from reports.text import seconds

ADVICE: Sequence[tuple[tuple[str, ...], str]] = (
    (("no node wrote a trace", "wrote no trace"), "give the nodes' traces (docs/trace-format.md)"),
    (
        ("has a gap", "may lack lines", "the trace of"),
        "keep the whole traces: a host that lost its power, or a cut file, loses lines; run it again",
    ),
    (("memory",), "give it more memory: --memory-mib"),
    (("configurations",), "let it search longer: --configurations"),
    (("time is up", "was not decided in time", "time ran out"), "give it more time: --seconds"),
    (("acknowledged; a run needs", "operation succeeded"), "run longer or faster: --time-limit, --rate"),
    (("took no effect", "took effect"), "choose a fault that this world can have: --nemesis, --world"),
    (("final read", "final heal", "after the final"), "let the run end by itself, with its final reads"),
    (("the checker itself failed",), "report this as a defect of Ackproof, with the run's folder"),
)
"""What a summary says is missing, and what gives it."""


def unknown(scene: Scene, verdicts: Sequence[Verdict], required: Collection[str]) -> Explanation:
    """Explain an unknown verdict."""
    against = decisive(verdicts, required)
    early = scene.recording.options.get(ENDED_EARLY)
    first = against[0] if against else None
    cause = "" if first is None else first.checker
    if early is not None:
        last = scene.end
        sentence = f"The harness ended the run early, at {seconds(last)}, and so nothing is proved: {early}"
    elif first is None:
        lacking = sorted(set(required) - {verdict.checker for verdict in verdicts})
        sentence = f"Required checkers did not judge the run: {', '.join(lacking)}"
    elif first.unjudged is Unjudged.NOT_EXERCISED:
        sentence = f"{first.checker} was not exercised, and the run requires it: {first.summary}"
    else:
        sentence = f"{first.checker} could not decide: {first.summary}"
    missing = [line for verdict in against for line in _missing(verdict)]
    length = scene.end / SECOND_NS
    if any("--time-limit" in line for line in missing):
        missing.append(f"the run lasted {length:.1f} s")
    return Explanation(
        validity=Validity.UNKNOWN,
        headline=sentence,
        cause=cause,
        evidence=0 if first is not None and first.evidence else None,
        apart=tuple(verdict.checker for verdict in against[1:]),
        more=max(len(against) - 1, 0),
        missing=tuple(dict.fromkeys(missing)),
    )


def _missing(verdict: Verdict) -> list[str]:
    """What a verdict lacked, and which option gives it."""
    texts = [verdict.summary, *(f"{one.title} {one.text}" for one in verdict.evidence[:5])]
    advice = [words for signs, words in ADVICE if any(sign in text for sign in signs for text in texts)]
    return [f"{verdict.checker}: {verdict.summary}{f'; {advice[0]}' if advice else ''}"]
