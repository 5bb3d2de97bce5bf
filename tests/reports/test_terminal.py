"""The verdict in a terminal and in a log."""

from __future__ import annotations

import io

from rich.console import Console

from checkers.verdict import Evidence, Unjudged, Validity, Verdict
from reports.terminal import plain, show
from tests.reports import synthetic


def test_the_answer_is_the_first_line_and_the_report_the_last() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    lines = plain(verdicts, "store/x/report.html", about=synthetic.about(Validity.INVALID)).splitlines()
    assert lines[0].split()[:2] == ["INVALID", "state-machine-safety:"]
    assert lines[-1] == "Report  store/x/report.html"
    shown_text = "\n".join(lines)
    assert "✕  durability " in shown_text
    assert "?  linearizability " in shown_text
    assert "✓  election-safety " in shown_text
    assert verdicts[0].evidence[0].title in shown_text


def test_plain_text_has_no_control_sequence_and_keeps_to_its_width() -> None:
    shown_text = plain(synthetic.valid_verdicts(), about=synthetic.about(), width=60)
    assert "\x1b" not in shown_text
    assert max(map(len, shown_text.splitlines())) <= 60
    assert all(line == line.rstrip() for line in shown_text.splitlines())


def test_a_reports_path_is_never_broken() -> None:
    path = "store/" + "x" * 200 + "/report.html"
    assert f"Report  {path}\n" in plain([], path, about=synthetic.about(), width=40)


def test_markup_and_controls_in_a_verdict_are_shown_not_obeyed() -> None:
    verdict = Verdict("[red]c", Validity.INVALID, "[/] a\x1b[2J", (Evidence("[link=x]t[/link]", "\rVALID"),))
    shown_text = plain([verdict], about=synthetic.about(Validity.INVALID))
    for shown in ("[red]c", "[/] a\\x1b[2J", "[link=x]t[/link]", "\\x0dVALID"):
        assert shown in shown_text


def test_unknown_is_neither_green_nor_called_valid() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    with console.capture() as captured:
        show(synthetic.unknown_verdicts()[-1:], console=console)
    shown_text = captured.get()
    assert "UNKNOWN" in shown_text
    assert "VALID " not in shown_text
    assert "\x1b[32m" not in shown_text
    assert "✓" not in shown_text


def test_what_judged_nothing_has_no_tick_and_says_why_in_words() -> None:
    verdicts = [Verdict("a", Validity.VALID, "fine"), *(Verdict.marked(m, m, f"of {m}") for m in Unjudged)]
    lines = plain(verdicts).splitlines()
    assert lines[0].split()[0] == "VALID"
    shown = {line.split("  ")[1].strip(): line for line in lines if "of" in line.split() and ":" in line}
    assert set(shown) == {mark.value for mark in Unjudged}
    for mark in Unjudged:
        assert shown[mark].endswith(f"{mark}: of {mark}")
        assert "✓" not in shown[mark]
    required = plain(verdicts, required=[Unjudged.NOT_EXERCISED.value])
    assert required.splitlines()[0].split()[0] == "UNKNOWN"
    assert "not exercised, and required: of not exercised" in required


def test_only_so_much_evidence_is_printed_and_the_rest_is_counted() -> None:
    many = tuple(Evidence(f"lost r{n}", "x " * 5_000) for n in range(30))
    shown_text = plain([Verdict("c", Validity.INVALID, "s", many)])
    assert "and 29 more in the report" in shown_text
    assert len(shown_text) < 3_000


def test_checkers_that_are_not_applicable_for_one_reason_share_a_line() -> None:
    none = Unjudged.NOT_APPLICABLE
    why = "the system writes no traces"
    verdicts = [
        Verdict.marked(checker="log-matching", mark=none, summary=why),
        Verdict.marked(checker="durability", mark=Validity.VALID, summary="all is there"),
        Verdict.marked(checker="term-monotonic", mark=none, summary=why),
        Verdict.marked(checker="index-honesty", mark=none, summary="replies name no index"),
    ]
    lines = plain(verdicts).splitlines()
    (shared,) = [line for line in lines if why in line]
    assert shared.split() == f"- 2 checkers {none}: {why} (log-matching, term-monotonic)".split()
    assert any(line.split()[:2] == ["-", "index-honesty"] for line in lines)
    assert any(line.split()[1:2] == ["durability"] for line in lines)
