"""The page as a whole: sound, safe, honest, bounded."""

from __future__ import annotations

import base64
import hashlib
import re
import time

import msgspec
import numpy as np
import pytest

from checkers.verdict import EventRef, Evidence, Unjudged, Validity, Verdict
from history import Columns, History, NodeLife, NodeTrace, Operation, Recording, TraceEvent
from history.recording import VIRTUAL_TIME
from reports.about import ReportAbout, StoredFile, gravest_first
from reports.html import MAX_TIMELINES, render
from tests.reports import simulated, synthetic
from tests.reports.page import Page, assert_sound


@pytest.fixture(scope="module")
def run() -> Recording:
    return synthetic.recording()


@pytest.fixture(scope="module")
def invalid_page(run: Recording) -> str:
    return render(run, synthetic.invalid_verdicts(run.history), synthetic.about(Validity.INVALID))


def test_the_page_is_balanced_self_contained_and_its_anchors_resolve(
    run: Recording, invalid_page: str
) -> None:
    assert_sound(invalid_page)
    assert_sound(render(run, synthetic.valid_verdicts(), synthetic.about()))
    assert_sound(render(run, synthetic.unknown_verdicts(), synthetic.about(Validity.UNKNOWN)))


def test_the_policy_names_exactly_the_one_style_and_the_two_scripts_of_the_page(invalid_page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', invalid_page)
    assert policy is not None
    allowed = policy.group(1).replace("&#39;", "'")
    assert allowed.startswith("default-src 'none';")
    assert "unsafe" not in allowed
    late = '<script type="text/plain" id="after-paint">'
    for kind, openings in (("style", ("<style>",)), ("script", ("<script>", late))):
        digests = []
        for opening in openings:
            [content] = re.findall(rf"{opening}(.*?)</{kind}>", invalid_page, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            digests.append(f"'sha256-{digest}'")
        assert f"{kind}-src {' '.join(digests)};" in allowed


def test_the_same_run_gives_the_same_bytes(run: Recording, invalid_page: str) -> None:
    again = synthetic.recording()
    assert (
        render(again, synthetic.invalid_verdicts(again.history), synthetic.about(Validity.INVALID))
        == invalid_page
    )


def test_the_cause_stands_first_and_its_consequences_name_it(run: Recording) -> None:
    violations = [
        Verdict(name, Validity.INVALID, "broken", (Evidence("it was broken", "text"),))
        for name in ("durability", "leader-completeness", "election-safety")
    ]
    page = render(run, violations, synthetic.about(Validity.INVALID))
    assert re.findall(r"<h3>([a-z-]+) <span", page) == [
        "election-safety",
        "leader-completeness",
        "durability",
    ]
    assert page.count("may follow from what") == 2
    assert "may follow from what leader-completeness found; look there first." in page
    cause, folded = page.split("2 more violations may follow from this</summary>")
    assert "<h3>election-safety <span" in cause
    assert "<h3>durability <span" in folded


def test_checkers_that_are_not_applicable_for_one_reason_are_one_line(run: Recording) -> None:
    none = Unjudged.NOT_APPLICABLE
    idle = [
        Verdict.marked(name, none, "the system writes no <traces>") for name in ("log-matching", "membership")
    ]
    page = render(
        run, [Verdict("durability", Validity.VALID, "kept"), *idle], synthetic.about(Validity.VALID)
    )
    assert "2 checkers are not applicable: the system writes no &lt;traces&gt;</summary>" in page
    assert "log-matching, membership" in page
    assert re.findall(r"<h3>([a-z-]+) <span", page) == ["durability"]


def test_the_verdict_comes_first_then_its_reason_then_the_figures(invalid_page: str) -> None:
    words = Page(invalid_page).words
    places = [
        words.index(part)
        for part in (
            "Invalid",
            "state-machine-safety:",
            "acknowledged writes",
            "Run it again",
            "Checkers",
            "Around the violation",
        )
    ]
    assert places == sorted(places)
    assert "ackproof run --nodes 5" in words


def test_checkers_stand_in_the_order_invalid_unknown_valid(invalid_page: str) -> None:
    shown = re.findall(r'<article class="checker v-(\w+)"', invalid_page)
    assert shown == sorted(shown, key=["invalid", "unknown", "valid"].index)
    assert shown[0] == "invalid"


def test_what_judged_nothing_is_marked_so_and_never_as_valid(run: Recording) -> None:
    verdicts = [
        Verdict("linearizability", Validity.VALID, "fine"),
        Verdict.marked("durable-log", Unjudged.NOT_EXERCISED, "no node was restarted"),
        Verdict.marked("conformance", Unjudged.NOT_APPLICABLE, "the system writes no traces"),
        Verdict.marked("stats", Unjudged.ONLY_MEASURES, "90 operations"),
    ]
    page = render(run, verdicts, synthetic.about())
    shown = re.findall(r'<article class="checker v-([\w-]+)"', page)
    assert shown == ["valid", "not-exercised", "not-applicable", "only-measures"]
    assert page.count('class="badge b-valid"') == 2, "the headline and one checker"
    assert "Valid" in page.split("<h1>")[1].split("</h1>")[0]
    required = msgspec.structs.replace(
        synthetic.about(Validity.UNKNOWN), required=("linearizability", "durable-log")
    )
    missed = render(run, verdicts, required)
    shown = re.findall(r'<article class="checker v-([\w-]+)( v-missed)?"', missed)
    assert shown[0] == ("not-exercised", " v-missed")
    assert "and required" in missed
    assert "Unknown" in missed.split("<h1>")[1].split("</h1>")[0]


def test_operations_in_evidence_link_to_their_rows_in_the_timelines_table(
    run: Recording, invalid_page: str
) -> None:
    verdicts = synthetic.invalid_verdicts(run.history)
    evidence = verdicts[0].evidence[0]
    place = gravest_first(verdicts).index(verdicts[0])
    links = Page(invalid_page).links
    for operation in evidence.operations:
        assert f"#op-{operation}" in links
        assert f'<a href="#op-{operation}">' in invalid_page  # also where the text names it
    assert links.count(f"#t-{place}-0") == 1


def test_each_operation_of_the_story_has_one_row_to_which_its_link_leads() -> None:
    judged = simulated.judged("no recovery")
    html = render(judged.recording, judged.verdicts, judged.about)
    assert judged.about.explanation is not None
    in_story = {line.operation for line in judged.about.explanation.story if line.operation is not None}
    assert len(in_story) >= 2
    for operation in in_story:
        assert html.count(f'id="op-{operation}"') == 1
        assert f'href="#op-{operation}"' in html
    assert_sound(html)


def test_evidence_that_names_trace_events_shows_them_or_says_they_are_not_there(invalid_page: str) -> None:
    words = Page(invalid_page).words
    assert "Trace events that show it" in words
    assert "999999 this event is not in the collected trace" in words


def test_unknown_never_looks_like_valid(run: Recording) -> None:
    html = render(run, synthetic.unknown_verdicts()[-1:], synthetic.about(Validity.UNKNOWN))
    page = assert_sound(html)
    assert '<body class="v-unknown">' in html
    assert not {"v-valid", "b-valid", "w-valid"} & set(page.by_class)
    assert "✓" not in page.words
    assert "no evidence that the system keeps what it acknowledged" in page.words


def test_an_overall_validity_worse_than_every_verdict_is_what_the_page_shows(run: Recording) -> None:
    html = render(run, synthetic.valid_verdicts(), synthetic.about(Validity.UNKNOWN))
    assert '<body class="v-unknown">' in html
    assert "although no single checker says so" in Page(html).words


def test_a_claim_of_valid_does_not_outweigh_an_invalid_verdict(run: Recording) -> None:
    html = render(run, synthetic.invalid_verdicts(run.history), synthetic.about(Validity.VALID))
    assert '<body class="v-invalid">' in html


def test_a_run_that_no_checker_judged_is_unknown_whatever_it_claims(run: Recording) -> None:
    html = render(run, [], synthetic.about(Validity.VALID))
    assert '<body class="v-unknown">' in html
    assert "No checker judged this run." in assert_sound(html).words


def test_an_empty_recording_still_makes_a_sound_page_that_says_what_is_missing() -> None:
    recording = Recording(nodes=("n1", "n2"), history=History([]))
    words = assert_sound(
        render(recording, [], synthetic.about(Validity.UNKNOWN, duration_s=0.0, seed=None))
    ).words
    for sentence in (
        "No client operation completed, so there is no latency to show.",
        "No client operation was invoked.",
        "No fault was injected in this run.",
        "The harness's own lag was not recorded",
        "the nodes left no trace",
    ):
        assert sentence in words


def test_the_page_of_a_simulated_run_says_that_its_harness_was_never_late() -> None:
    recording = Recording(nodes=("n1",), history=History([]), options={VIRTUAL_TIME: True})
    words = assert_sound(render(recording, [], synthetic.about(Validity.UNKNOWN))).words
    assert "its virtual time waits for the harness, so the harness was never late" in words
    assert "not recorded" not in words


def test_a_run_without_nemesis_has_no_fault_marks_and_says_so() -> None:
    recording = synthetic.recording(faults=False)
    page = assert_sound(render(recording, synthetic.valid_verdicts(), synthetic.about()))
    assert "fault-bar" not in page.by_class
    assert "fault-band" not in page.by_class
    assert "No fault was injected in this run." in page.words


def test_fault_periods_are_shaded_and_named_in_every_chart_over_time(invalid_page: str) -> None:
    for chart in ("plot-latency", "plot-throughput", "plot-roles", "plot-lag"):
        svg = invalid_page[invalid_page.index(f'id="{chart}"') :]
        svg = svg[: svg.index("</svg>")]
        for hue in ("h-kill", "h-pause", "h-partition"):
            assert f"fault-band {hue}" in svg
        assert "kill n2 (leader)</text>" in svg


def test_lag_above_the_bound_is_said_before_the_checkers() -> None:
    words = Page(render(synthetic.recording(lag_ms=240), [], synthetic.about())).words
    assert "Timings are not to be trusted." in words
    assert words.index("Timings are not to be trusted.") < words.index("Checkers No checker")
    assert "240 ms" in words
    assert "Timings are not" not in Page(render(synthetic.recording(lag_ms=60), [], synthetic.about())).words


def test_gaps_of_the_traces_are_said_near_the_top(run: Recording) -> None:
    gappy = msgspec.structs.replace(
        run, traces={**run.traces, "n2": NodeTrace("n2", (), ("n2: the trace of life 1 is missing",))}
    )
    words = Page(render(gappy, [], synthetic.about())).words
    assert words.index("Node traces have gaps.") < words.index("Checkers No checker")


EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;{{ 7*7 }}</title></style>"
    "\x00\x1b[31m\ud800\u202e"
)


def evil_run() -> tuple[Recording, list[Verdict], ReportAbout]:
    """Markup, template syntax, controls and a lone surrogate wherever a text can stand."""

    def operation(index: int, type_: str, process: int = 0, f: str = EVIL, **more: object) -> Operation:
        return Operation(index, index * 1_000_000, process, type_, f, **more)  # type: ignore[arg-type]

    text = EVIL.replace("\ud800", "")  # JSON, which a history's values are, has no lone surrogates
    action = {
        "kind": "Kill",
        "nodes": [text],
        "links": [[text, text]],
        "took_effect": True,
        "details": {text: text},
    }
    history = History(
        [
            operation(0, "invoke", key=EVIL, value={text: [text]}, node=EVIL),
            operation(1, "invoke", process=-1, f="kill", value={"target": text}),
            operation(
                2, "info", process=-1, f="kill", value={"target": text, "actions": [action]}, error=EVIL
            ),
            operation(3, "info", key=EVIL, value=text, error=EVIL, node=EVIL),
            operation(4, "invoke", process=1, key=EVIL, value=text),
        ]
    )
    event = TraceEvent(1, 5_000, "role", 1, "leader", 0, 0, 0, vote=EVIL, node=EVIL, life=1)
    recording = Recording(
        nodes=(EVIL,),
        history=history,
        traces={EVIL: NodeTrace(EVIL, (event,), (EVIL,))},
        lives=(NodeLife(EVIL, 1, 1, 0),),
        options={EVIL: {EVIL: [EVIL]}, "monotonic_start_ns": 0},
        harness_lag=((0, 900_000_000),),
    )
    evidence = Evidence(
        EVIL,
        EVIL + " operation 0 " + EVIL,
        (0, 3, 4, 77),
        (EventRef(EVIL, 1, 1), EventRef(EVIL, 1, 2)),
        (EVIL,),
    )
    verdicts = [
        Verdict(EVIL, validity, EVIL, (evidence,), {EVIL: {EVIL: [EVIL, {EVIL: 1}]}}, (EVIL,))
        for validity in Validity
    ]
    about = ReportAbout(
        title=EVIL,
        started_at=EVIL,
        duration_s=1.0,
        command=EVIL,
        seed=1,
        store=EVIL,
        options={EVIL: EVIL},
        versions={EVIL: EVIL},
        validity=Validity.INVALID,
        files=(StoredFile(EVIL, 1), StoredFile("javascript:alert(1)", 1), StoredFile("../../etc/passwd", 1)),
    )
    return recording, verdicts, about


def test_no_markup_from_a_recording_survives_anywhere() -> None:
    html = render(*evil_run())
    page = assert_sound(html)
    assert html.count("<script>") == 1  # our own
    assert "<img" not in html
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "alert(1)" in page.words  # shown, as text
    assert "{{ 7*7 }}" in page.words  # not taken for a template
    assert len(re.findall(r"</style>", html)) == 1
    html.encode("utf-8")  # no lone surrogate is left
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)
    assert "\\x1b" in page.words


def test_a_files_name_can_never_become_a_scheme_or_lead_out_of_the_store() -> None:
    links = Page(render(*evil_run())).links
    assert "./javascript%3Aalert%281%29" in links
    assert not any("passwd" in link for link in links)


def test_evidence_about_operations_that_the_history_lacks_is_said_not_raised() -> None:
    verdict = Verdict("x", Validity.INVALID, "s", (Evidence("t", "operation 99", (99,)),))
    words = assert_sound(render(Recording(("n1",), History([])), [verdict], synthetic.about())).words
    assert "names operations that this history does not have: operation 99" in words


def test_a_flood_of_evidence_stays_bounded_and_the_page_says_what_it_left_out(run: Recording) -> None:
    evidence = tuple(
        Evidence(f"lost r{n}", "x" * 50_000, tuple(range(n * 40, n * 40 + 80))) for n in range(100)
    )
    verdicts = [
        Verdict(f"c{n}", Validity.INVALID, "many", evidence, {"keys": {str(k): k for k in range(9_000)}})
        for n in range(6)
    ]
    html = render(run, verdicts, synthetic.about(Validity.INVALID))
    page = assert_sound(html)
    assert page.by_class["around"] <= MAX_TIMELINES
    assert "further pieces of evidence are not shown here" in page.words
    assert "further pieces of evidence with operations are not drawn" in page.words
    assert "more measures are not listed" in page.words
    assert len(html) < 8_000_000


def test_a_caveat_that_several_checkers_share_is_shown_once_with_their_names(run: Recording) -> None:
    verdicts = [
        Verdict(name, Validity.VALID, "s", caveats=("from traces", name)) for name in ("a1", "b2", "c3")
    ]
    words = assert_sound(render(run, verdicts, synthetic.about())).words
    assert words.count("from traces") == 1
    assert "from traces: this caveat holds for a1, b2, c3." in words
    pair = assert_sound(render(run, verdicts[:2], synthetic.about())).words
    assert pair.count("from traces") == 2


def million(operations: int = 500_000) -> History:
    """A million history events as arrays, one in ten of the operations `fail` or `info`."""
    rng = np.random.default_rng(7)
    begin = np.sort(rng.integers(0, 3_600_000_000_000, operations))
    process = np.arange(operations)
    latency = rng.lognormal(15, 1, operations).astype(np.int64)
    kind = rng.choice(np.array([1, 2, 3]), operations, p=(0.9, 0.05, 0.05))
    time_ = np.concatenate([begin, begin + latency])
    order = np.argsort(time_, kind="stable")
    none = np.full(2 * operations, -1, dtype=np.int64)
    f = rng.integers(0, 3, operations)
    key = rng.integers(0, 100, operations)
    return History.from_columns(
        Columns(
            time=time_[order],
            process=np.concatenate([process, process])[order],
            type=np.concatenate([np.zeros(operations), kind])[order].astype(np.int8),
            f=np.concatenate([f, f])[order],
            f_names=("register", "lookup", "deregister"),
            key=np.concatenate([key, key])[order],
            keys=tuple(f"svc-{n}" for n in range(100)),
            value=none,
            values=(),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=none,
        )
    )


def test_a_million_events_make_a_bounded_page_in_seconds_and_no_object_each() -> None:
    history = million()
    verdict = Verdict("durability", Validity.INVALID, "s", (Evidence("lost", "x", (10, 400_000, 900_000)),))
    recording = Recording(nodes=synthetic.NODES, history=history, options={})
    begun = time.process_time()
    html = render(recording, [verdict], synthetic.about(Validity.INVALID, duration_s=3600.0))
    assert time.process_time() - begun < 10  # a third of that on an idle core
    assert len(html) < 3_000_000
    assert history._operations is None
    words = assert_sound(html).words
    assert re.search(r"Sampled: 3,\d{3} of 500,000 operations are drawn", words)
    assert re.search(r"more operations on the same keys at the same time are not drawn", words)


def test_a_run_of_thirty_seconds_makes_a_page_of_well_under_a_megabyte(invalid_page: str) -> None:
    assert len(invalid_page.encode()) < 600_000
