"""The verdict in a terminal and in a log."""

from __future__ import annotations

import io

from rich.console import Console

from checkers.verdict import Evidence, Validity, Verdict
from reports.terminal import plain, show
from tests.reports import synthetic


def test_the_answer_is_the_first_line_and_the_report_the_last() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    lines = plain(verdicts, "store/x/report.html", about=synthetic.about(Validity.INVALID)).splitlines()
    assert lines[0].split()[:2] == ["INVALID", "durability:"]
    assert lines[-1] == "Report  store/x/report.html"
    said = "\n".join(lines)
    assert "✕  durability " in said
    assert "?  linearizability " in said
    assert "✓  election-safety " in said
    assert verdicts[0].evidence[0].title in said


def test_plain_text_has_no_control_sequence_and_keeps_to_its_width() -> None:
    said = plain(synthetic.valid_verdicts(), about=synthetic.about(), width=60)
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 60
    assert all(line == line.rstrip() for line in said.splitlines())


def test_a_reports_path_is_never_broken() -> None:
    path = "store/" + "x" * 200 + "/report.html"
    assert f"Report  {path}\n" in plain([], path, about=synthetic.about(), width=40)


def test_markup_and_controls_in_a_verdict_are_shown_not_obeyed() -> None:
    verdict = Verdict("[red]c", Validity.INVALID, "[/] a\x1b[2J", (Evidence("[link=x]t[/link]", "\rVALID"),))
    said = plain([verdict], about=synthetic.about(Validity.INVALID))
    for shown in ("[red]c", "[/] a\\x1b[2J", "[link=x]t[/link]", "\\x0dVALID"):
        assert shown in said


def test_unknown_is_neither_green_nor_called_valid() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    with console.capture() as captured:
        show(synthetic.unknown_verdicts()[-1:], console=console)
    said = captured.get()
    assert "UNKNOWN" in said
    assert "VALID " not in said
    assert "\x1b[32m" not in said
    assert "✓" not in said


def test_only_so_much_evidence_is_printed_and_the_rest_is_counted() -> None:
    many = tuple(Evidence(f"lost r{n}", "x " * 5_000) for n in range(30))
    said = plain([Verdict("c", Validity.INVALID, "s", many)])
    assert "and 29 more in the report" in said
    assert len(said) < 3_000
