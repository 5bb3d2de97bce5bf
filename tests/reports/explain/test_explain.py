"""The explanation of a verdict: its root cause, its sentence, its story, and what an unknown run lacked."""

from __future__ import annotations

import pytest

from checkers.run.recovery import Recovery
from checkers.run.vacuity import Vacuity
from checkers.verdict import EventRef, Evidence, Unjudged, Validity, Verdict
from history import History, NodeLife, NodeTrace, Operation, Recording, TraceEntry, TraceEvent
from history.units import SECOND_NS
from reports.explain import MOST_LINES, explain
from tests.checkers.builders import HistoryBuilder
from tests.checkers.builders import recording as built_recording
from tests.reports import simulated

START_NS = 5 * SECOND_NS
"""The nodes' clock when the run began."""


def event(node: str, seq: int, at_s: float, name: str, **fields: object) -> TraceEvent:
    state = {"term": 1, "role": "follower", "commit": 0, "applied": 0, "last": 0, "life": 1, **fields}
    at = START_NS + round(at_s * SECOND_NS)
    return TraceEvent(seq=seq, at=at, event=name, node=node, **state)  # type: ignore[arg-type]


ENTRY = TraceEntry(1, 1, "aa", "0")
N1 = (
    event("n1", 1, 0.1, "vote", vote="n1"),
    event("n1", 2, 0.2, "role", role="leader"),
    event("n1", 3, 0.3, "append", role="leader", entries=(ENTRY,), last=1),
    event("n1", 4, 0.4, "synced", role="leader", index=1, last=1),
    event("n1", 5, 0.5, "acknowledge", role="leader", index=1, op="0", last=1),
    event("n1", 6, 2.5, "truncate", term=2, index=1),
)
N2 = (
    event("n2", 1, 0.15, "vote", vote="n1"),
    event("n2", 2, 1.9, "vote", term=2, vote="n2"),
    event("n2", 3, 2.0, "role", term=2, role="leader"),
)


def recording() -> Recording:
    history = History(
        [
            Operation(0, SECOND_NS // 4, 0, "invoke", "register", "svc-1", "r1", node="n1"),
            Operation(1, SECOND_NS // 2, 0, "ok", "register", "svc-1", "r1", node="n1", raft_index=1),
            Operation(2, 3 * SECOND_NS, 1, "invoke", "lookup", "svc-1", node="n2"),
            Operation(3, 3 * SECOND_NS + 1, 1, "ok", "lookup", "svc-1", node="n2", raft_index=1),
        ]
    )
    return Recording(
        nodes=("n1", "n2"),
        history=history,
        traces={"n1": NodeTrace("n1", N1), "n2": NodeTrace("n2", N2)},
        lives=(NodeLife("n1", 1, 1, 0), NodeLife("n2", 1, 2, 0)),
        options={"monotonic_start_ns": START_NS},
    )


LOST = Verdict(
    "durability",
    Validity.INVALID,
    "one was lost",
    evidence=(Evidence("registration r1 was lost", "It is gone.", operations=(0, 2)),),
)
ACKNOWLEDGED = Verdict(
    "durable-before-acknowledge",
    Validity.INVALID,
    "1 violation",
    evidence=(
        Evidence(
            "n1 acknowledged index 1 before a majority had it on disk",
            "n1 acknowledged it in term 1, when it was on the disk of n1: 1 of 2 nodes; a majority is 2.",
            operations=(0,),
            events=(EventRef("n1", 1, 5),),
            nodes=("n1",),
        ),
    ),
)


def test_a_valid_run_is_not_explained() -> None:
    assert explain(recording(), [Verdict("durability", Validity.VALID, "fine")]) is None


def test_the_root_cause_is_told_and_names_node_term_index_operation_and_time() -> None:
    found = explain(recording(), [LOST, ACKNOWLEDGED])
    assert found is not None
    assert found.cause == "durable-before-acknowledge"
    assert found.follows == ("durability",)
    assert found.headline == (
        "n1, leader of term 1, acknowledged operation 0 (register svc-1 r1) at index 1 at 0.500 s, when by "
        "the order of messages only n1 had it on disk, 1 of 2 nodes; then registration r1 was lost"
    )


def test_the_story_follows_the_entry_from_the_append_to_the_truncation_in_the_order_of_time() -> None:
    found = explain(recording(), [LOST, ACKNOWLEDGED])
    assert found is not None
    lines = [line.text for line in found.story]
    assert lines == [
        "n1 became leader of term 1",
        "n1, leader of term 1, appended index 1 of term 1: operation 0 (register svc-1 r1)",
        "on disk had index 1 of term 1: n1 at 0.400 s; operation 0 (register svc-1 r1)",
        "n1, leader of term 1, acknowledged index 1 of term 1: operation 0 (register svc-1 r1)",
        "n2 became leader of term 2",
        "n1 removed index 1 of term 1 from its log, in term 2: operation 0 (register svc-1 r1)",
        "n2 answered operation 2 (lookup svc-1) with nothing at index 1",
    ]
    assert len(lines) <= MOST_LINES
    [wrong] = [line for line in found.story if line.is_wrong]
    assert (wrong.node, wrong.term, wrong.index, wrong.operation) == ("n1", 1, 1, 0)
    assert found.moments is not None
    assert found.moments.nodes[0] == "n1"
    assert found.moments.operations == (0, 2)
    assert found.moments.indices == (1,)
    assert found.moments.wrong == found.story.index(wrong)


@pytest.mark.parametrize(
    ("checker", "evidence", "headline"),
    [
        (
            "recovery",
            Evidence(
                "the system did not recover after the final heal",
                "The final heal ended at 2.000 s; then no write was acknowledged in the 11.000 s up to the "
                "end of the record. The bound is 10 s.",
                operations=(0,),
            ),
            "The final heal ended at 2.000 s; then no write was acknowledged in the 11.000 s up to the end "
            "of the record; the bound is 10 s; at the end n2 led term 2",
        ),
        (
            "membership",
            Evidence(
                "n2 leads term 2 without a majority of voters",
                "n2 became leader of term 2. The voters were n1, n2; n2 voted for it.",
                events=(EventRef("n1", 1, 1), EventRef("n2", 1, 3)),
            ),
            "n2 leads term 2 without a majority of voters at 2.000 s: the voters were n1, n2; "
            "n2 voted for it",
        ),
        (
            "convergence",
            Evidence(
                "n2 stays 1 entry behind",
                "At 2.000 s all faults were healed. At 3.000 s n2 had applied its log only up to index 4 (n1 "
                "up to 5).",
                operations=(2,),
            ),
            "n2 stays 1 entry behind: at 3.000 s n2 had applied its log only up to index 4 (n1 up to 5)",
        ),
        (
            "watch",
            Evidence(
                "a watch of svc-1 was not complete, answered at 3.000 s",
                "operation 2 (watch svc-1 after index 1): it reached index 4 but left out the change at "
                "index 3.",
                operations=(2,),
            ),
            "n2 answered operation 2 (lookup svc-1) with nothing at index 1 at 3.000 s: it reached index 4 "
            "but left out the change at index 3",
        ),
    ],
)
def test_what_nodes_did_to_a_whole_run_is_said_with_who_what_and_when(
    checker: str, evidence: Evidence, headline: str
) -> None:
    found = explain(recording(), [Verdict(checker, Validity.INVALID, "wrong", evidence=(evidence,))])
    assert found is not None
    assert found.headline == headline
    assert len(found.story) <= MOST_LINES


def test_without_aligned_clocks_the_sentence_says_less() -> None:
    bare = recording()
    found = explain(
        Recording(nodes=bare.nodes, history=bare.history, traces=bare.traces, options={}), [ACKNOWLEDGED]
    )
    assert found is not None
    assert " s" not in found.headline.partition(" at index 1")[2].partition(", when")[0]
    assert found.headline.startswith("n1, leader of term 1, acknowledged operation 0 (register svc-1 r1)")


def test_an_unknown_run_says_what_was_missing_and_which_option_gives_it() -> None:
    few = Verdict(
        "vacuity",
        Validity.UNKNOWN,
        "the run proves little: only 3 writes were acknowledged; a run needs at least 10",
    )
    found = explain(recording(), [few], {"vacuity"})
    assert found is not None
    assert found.validity is Validity.UNKNOWN
    assert found.headline.startswith("vacuity could not decide: the run proves little")
    assert found.missing == ("vacuity: let it write more: a longer --time-limit, or --rate",)


def test_where_no_operation_succeeded_the_advice_is_to_look_at_the_clients_and_not_to_write_more() -> None:
    built = HistoryBuilder()
    for key in ("a", "b"):
        built.do("register", key, "x", None, "info", error="KeyError: 'x'")
    run = built_recording(built, options={"nemesis": []})
    judged = [Vacuity().check(run), Recovery().check(run)]
    found = explain(run, judged, {"vacuity"})
    assert found is not None
    assert "no operation of a client succeeded: most ended with 'KeyError: 'x''" in found.headline
    [advice] = found.missing
    assert advice.startswith("vacuity: nothing shows that the clients work: try them on one node by ackproof")


def test_a_required_checker_that_was_not_exercised_is_named() -> None:
    idle = Verdict.marked("snapshot-safety", Unjudged.NOT_EXERCISED, "no snapshot was taken or installed")
    found = explain(recording(), [idle], {"snapshot-safety"})
    assert found is not None
    assert "snapshot-safety was not exercised, and the run requires it" in found.headline
    [missing] = found.missing
    assert "--snapshot-entries" in missing


def test_a_checker_that_had_nothing_to_look_at_says_what_would_give_it_something() -> None:
    for checker, summary, words in (
        (
            "linearizability",
            "no operation completed, so there is no reply to explain",
            "operations that complete",
        ),
        ("lock", "no lock was taken", "another --workload or --nemesis, or a longer --time-limit"),
    ):
        idle = Verdict.marked(checker, Unjudged.NOT_EXERCISED, summary)
        found = explain(recording(), [idle], {checker})
        assert found is not None
        [missing] = found.missing
        assert missing.startswith(f"{checker}: ")
        assert words in missing


def test_evidence_that_was_changed_is_said_to_be_missing_as_the_run_left_it() -> None:
    whole = Verdict("durability", Validity.UNKNOWN, "nothing is proved")
    found = explain(recording(), [whole], (), "sealed, and missing since: nodes/n1/trace/0001.jsonl")
    assert found is not None
    assert found.headline.startswith("The evidence is not what the run left")
    assert found.missing[0].startswith("the run's files, as it left them")


def test_a_run_whose_harness_was_killed_says_so_and_until_when_it_was_recorded() -> None:
    cut = Verdict("log-matching", Validity.UNKNOWN, "the trace of n1 has a gap: it may lack lines")
    found = explain(recording(), [cut], (), "not sealed: the run did not come to its end")
    assert found is not None
    assert found.headline == (
        "The harness ended before the run did: the last that was recorded is at 3.000 s; log-matching could "
        "not decide: the trace of n1 has a gap: it may lack lines"
    )
    assert "keep the traces whole" in found.missing[0]


def test_a_run_whose_work_ended_early_says_so_and_when() -> None:
    bare = recording()
    early = Recording(nodes=bare.nodes, history=bare.history, options={"ended_early": "the generator failed"})
    found = explain(early, [Verdict("vacuity", Validity.UNKNOWN, "its work ended early")], {"vacuity"})
    assert found is not None
    assert found.headline == (
        "The harness ended the run early at 3.000 s, so nothing is proved: the generator failed"
    )


def test_a_run_whose_evidence_was_changed_says_so_and_which_file() -> None:
    doubt = Verdict("durability", Validity.UNKNOWN, "no final read")
    found = explain(recording(), [doubt], (), "sealed, and changed since: history.jsonl")
    assert found is not None
    assert found.headline == (
        "The evidence is not what the run left (sealed, and changed since: history.jsonl), so nothing is "
        "proved by it"
    )


def test_many_leaders_after_one_another_are_one_line() -> None:
    """A node whose term jumps is elected some thousand times: what each led says nothing."""
    explanation = simulated.judged("no recovery").about.explanation
    assert explanation is not None
    elections = [line.text for line in explanation.story if line.kind == "election"]
    (many,) = [text for text in elections if "leaders followed one another in terms" in text]
    assert many.startswith("from here, 22,")
    assert len(elections) <= 2
