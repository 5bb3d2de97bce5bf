"""Weak levels on files as people have them, each with the argument that the evidence gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackproof import check
from checkers.transactions.consistency import DECIDED_WEAK
from checkers.verdict import Validity, Verdict
from history import HistoryError

SESSION = "strong-session-"
CASES = {
    "older than what it saw": (
        "w(1,1,0,1)\nw(1,2,1,2)\nw(2,2,1,2)\nr(1,1,1,3)\nr(2,2,2,4)\nr(1,1,2,4)\nr(1,2,3,5)\nr(1,1,3,5)\n"
        "r(1,1,4,6)\nr(1,2,4,6)\n",
        "monotonic-atomic-view",
        "and then read 1 in 1, which T",
    ),
    "a part before what it missed": (
        "w(1,1,0,1)\nr(1,1,1,2)\nw(1,2,1,2)\nw(2,2,1,2)\nr(1,1,2,3)\nr(2,2,2,3)\n",
        "read-atomic",
        "although T",
    ),
    "nothing after what came before in its process": (
        "w(1,1,0,1)\nr(1,0,0,2)\n",
        SESSION + "read-atomic",
        "process 0 did T1, which wrote 1, before T2",
    ),
    "what happened before": (
        "w(1,1,0,1)\nr(1,1,1,2)\nw(2,2,1,2)\nr(2,2,2,3)\nr(1,0,2,3)\n",
        "causal",
        "happened before T",
    ),
    "a cycle of processes": (
        "r(1,1,0,1)\nw(2,2,0,2)\nr(2,2,1,3)\nw(1,1,1,4)\n",
        SESSION + "read-committed",
        "process 0 did T",
    ),
    "two orders in one process": (
        "w(1,1,0,1)\nw(1,2,1,2)\nr(1,1,2,3)\nr(1,2,2,4)\nr(1,1,2,5)\n",
        "pram",
        "happened before T4 (T3 read from T2, process 2 did T3 before T4)",
    ),
}


def judged(path: Path, text: str, consistency: str) -> Verdict:
    """The verdict on these lines."""
    path.write_text(text)
    return check(path, "rw-register", consistency=consistency)


@pytest.mark.parametrize("case", CASES)
def test_each_violation_is_explained(case: str, tmp_path: Path) -> None:
    text, level, words = CASES[case]
    verdict = judged(tmp_path / "history.txt", text, level)
    assert verdict.validity is Validity.INVALID, verdict
    assert words in verdict.evidence[0].text, verdict.evidence[0].text
    assert verdict.evidence[0].operations
    rests_on_process = level == "pram" or "process" in verdict.evidence[0].text
    assert ("snapshot-isolation" in verdict.measures["not"]) != rests_on_process
    assert level in verdict.measures["not"]
    assert "strong-session-serializable" in verdict.measures["not"]


@pytest.mark.parametrize("level", DECIDED_WEAK)
def test_reads_that_nothing_explains_are_found_at_every_level(level: str, tmp_path: Path) -> None:
    for text, name in (
        ("w(1,1,0,1)\nr(1,7,1,2)\n", "garbage-read"),
        ("w(1,1,0,-1)\nr(1,1,1,2)\n", "G1a"),
        ("w(1,1,0,1)\nw(1,2,0,1)\nr(1,1,1,2)\n", "G1b"),
        ("r(1,1,0,1)\nw(1,1,0,1)\n", "internal"),
        ("w(1,1,0,1)\nr(1,0,0,1)\n", "internal"),
    ):
        verdict = judged(tmp_path / "history.txt", text, level)
        assert verdict.validity is Validity.INVALID, (text, verdict)
        assert {one.kind for one in verdict.evidence} == {name}


def test_read_committed_says_what_other_checkers_ask_of_that_name(tmp_path: Path) -> None:
    text = CASES["older than what it saw"][0].replace("r(1,1,1,3)\n", "")
    verdict = judged(tmp_path / "history.txt", text, "read-committed")
    assert verdict.validity is Validity.VALID
    assert "non-monotonic-reads" in verdict.summary
    assert any("AWDIT" in caveat for caveat in verdict.caveats)


def test_files_without_times_are_not_judged_for_real_time(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="strong-session-serializable"):
        judged(tmp_path / "history.txt", "w(1,1,0,1)\nr(1,1,1,2)\n", "strict-serializable")
    verdict = judged(tmp_path / "history.txt", "w(1,1,0,1)\nr(1,1,1,2)\n", "strong-session-serializable")
    assert verdict.validity is Validity.VALID


def test_levels_of_registers_are_refused_for_lists(tmp_path: Path) -> None:
    path = tmp_path / "history.txt"
    path.write_text("w(1,1,0,1)\n")
    with pytest.raises(ValueError, match="not for list-append"):
        check(path, "list-append", consistency="causal")


def event(process: int, type_: str, *steps: str) -> str:
    return f"{{:process {process}, :type :{type_}, :f :txn, :value [{' '.join(steps)}]}}\n"


def went_on(*later: str) -> str:
    """A write of unknown outcome, whose process goes on, and which another process sees."""
    before = event(0, "invoke", "[:w :z 1]") + event(0, "ok", "[:w :z 1]")
    unknown = event(0, "invoke", "[:w :y 5]") + event(0, "info", "[:w :y 5]")
    own = event(0, "invoke", "[:r :y nil]") + event(0, "ok", "[:r :y nil]")
    return before + unknown + own + event(1, "invoke", *later) + event(1, "ok", *later)


@pytest.mark.parametrize("level", [one for one in DECIDED_WEAK if one.startswith(SESSION) or one == "causal"])
def test_what_has_no_reply_may_come_after_what_its_process_did_next(level: str, tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    assert judged(path, went_on("[:r :y 5]", "[:r :z 1]"), level).validity is Validity.VALID
    missed = judged(path, went_on("[:r :y 5]", "[:r :z nil]"), level)
    # Of causal consistency, what its process did before has happened before it.
    assert missed.validity is (Validity.INVALID if level == "causal" else Validity.VALID), missed


def test_a_view_that_shows_what_has_no_reply_shows_what_its_process_did_before(tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    assert judged(path, went_on("[:r :y 5]", "[:r :z 1]"), "pram").validity is Validity.VALID
    missed = judged(path, went_on("[:r :y 5]", "[:r :z nil]"), "pram")
    assert missed.validity is Validity.INVALID
    assert missed.evidence[0].kind == "pram-violation-process"
    early = judged(
        path, went_on("[:r :z nil]") + event(1, "invoke", "[:r :y 5]") + event(1, "ok", "[:r :y 5]"), "pram"
    )
    assert early.validity is Validity.VALID
