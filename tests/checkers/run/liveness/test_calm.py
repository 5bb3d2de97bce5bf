"""Real nodes while nothing is wrong: leaders that do not stay are a violation, a starved machine is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.run.liveness.calm import judge_calm_times
from checkers.run.liveness.part import Part
from history import NodeTrace, TraceEvent
from history.units import MILLISECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

ELECTION_MS, START_NS = 100, 5_000_000_000
KILL = {"actions": [{"kind": "Kill", "nodes": ["n1"], "observed": {"changed": ["n1"]}}]}


def judged(
    terms: Sequence[int],
    *,
    stalled: bool = False,
    faults: bool = False,
    sent: int = 0,
    options: dict[str, Any] | None = None,
) -> Part:
    """What is found if new terms begin at these milliseconds of the run, which takes four seconds."""
    built = HistoryBuilder()
    if faults:
        built.nemesis("kill", KILL)
    built.wait(4000)
    built.do("lookup", "svc/a", None, None, node="n1")
    events = [
        TraceEvent(1, START_NS, "restart", 1, "follower", 0, 0, 0, node="n1", life=1),
        *(
            TraceEvent(
                2, START_NS + ms * MILLISECOND_NS, "term", term, "follower", 0, 0, 0, node="n1", life=1
            )
            for term, ms in enumerate(terms, start=2)
        ),
    ]
    at = START_NS + 3_900 * MILLISECOND_NS
    events += [
        TraceEvent(3, at, "send", 9, "leader", 0, 0, 0, index=4, peer="n2", message="AppendEntries", count=1)
    ] * sent
    lag = [(ms * MILLISECOND_NS, 1) for ms in range(0, 4100, 50)]
    if stalled:
        lag = [one for one in lag if not any(ms - 150 <= one[0] // MILLISECOND_NS <= ms for ms in terms)]
        lag += [(ms * MILLISECOND_NS, 150 * MILLISECOND_NS) for ms in terms]
    given = {"election_ms": ELECTION_MS, "monotonic_start_ns": START_NS, "world": "local"} | (options or {})
    return judge_calm_times(
        recording(
            built,
            traces={"n1": NodeTrace("n1", tuple(events))},
            options=given,
            harness_lag=tuple(sorted(lag)),
        )
    )


ONE_AFTER_THE_OTHER = [2000, 2300, 2600, 2900, 3200, 3500, 3800]
"""When terms begin, in milliseconds of the run."""


def test_no_new_term_is_a_leader_that_stayed() -> None:
    part = judged([200, 900])  # both before a leader must be there
    assert part.held == "no term began in 2.802 s in which nothing was wrong"
    assert not part.evidence


def test_terms_that_begin_one_after_the_other_are_leaders_that_do_not_stay() -> None:
    (found,) = judged(ONE_AFTER_THE_OTHER).evidence
    assert found.title == ("leaders do not stay though nothing is wrong: 7 terms began, the first at 2.000 s")


def test_few_terms_are_too_few_to_tell_and_not_shown_as_valid() -> None:
    part = judged(ONE_AFTER_THE_OTHER[:5])
    assert (part.evidence, part.held) == ((), "")
    assert "5 terms began" in part.idle


def test_terms_after_stalls_of_the_harness_prove_nothing() -> None:
    part = judged(ONE_AFTER_THE_OTHER, stalled=True)
    assert (part.evidence, part.held) == ((), "")


def test_while_faults_are_on_nothing_is_judged() -> None:
    assert judged(ONE_AFTER_THE_OTHER, faults=True).idle == (
        "no time without faults was as long as an election may take"
    )


def test_the_clocks_of_other_machines_are_not_compared() -> None:
    assert not judged(ONE_AFTER_THE_OTHER, options={"world": "ssh"}).evidence


def test_an_entry_that_is_sent_without_end_is_found() -> None:
    (found,) = judged([], sent=100).evidence
    assert found.title == "n1 sent entry 5 to n2 100 times though nothing was wrong"
    assert not judged([], sent=99).evidence
