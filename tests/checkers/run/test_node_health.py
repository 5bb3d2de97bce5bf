"""Node health: ends that nobody meant, and what logs give away."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.run.node_health import NodeHealth
from checkers.verdict import Validity, Verdict
from history import NodeLife
from history.nemesis import NemesisAction
from tests.checkers.builders import HistoryBuilder, recording

NODES = ("n1", "n2")


def life(node: str, number: int = 1, **end: object) -> NodeLife:
    return NodeLife(node=node, life=number, pid=100 + number, started_at=0, **end)  # type: ignore[arg-type]


HEALTHY = (
    life("n1", ended_at=5, status=-9, ended_by="kill"),
    life("n1", 2, ended_at=9, status=0, ended_by="teardown"),
    life("n2", ended_at=9, status=-15, ended_by="teardown"),
)


def check(tmp_path: Path, log: str = "ready\n", lives: tuple[NodeLife, ...] = HEALTHY) -> Verdict:
    logs = {}
    for node in NODES:
        logs[node] = tmp_path / f"{node}.log"
        logs[node].write_text(log if node == "n2" else "ready\n")
    return NodeHealth().check(recording(nodes=NODES, lives=lives, logs=logs))


def test_lives_ended_by_faults_and_teardown_with_clean_logs_are_valid(tmp_path: Path) -> None:
    assert check(tmp_path).validity is Validity.VALID


@pytest.mark.parametrize(("dropped", "validity"), [(16_384, Validity.VALID), (16_385, Validity.INVALID)])
def test_a_node_that_drops_more_than_one_write_behind_a_flipped_bit_is_invalid(
    dropped: int, validity: Validity
) -> None:
    facts = {"file": "wal/1.wal", "byte": 79_495, "dropped_bytes": dropped}
    refused = {"file": "wal/1.wal", "byte": 3}
    history = HistoryBuilder()
    for took_effect, details in ((True, refused), (True, facts)):
        action = NemesisAction(
            "Damage", nodes=("n1",), took_effect=took_effect, details={"changed": ["n1"], "n1": details}
        )
        history.nemesis("rot", {"target": "one", "actions": [action.stored()]})
    verdict = NodeHealth().check(recording(history, nodes=(), lives=HEALTHY))
    assert verdict.validity is validity
    if validity is Validity.INVALID:
        (found,) = verdict.evidence
        assert found.title == "n1 dropped 16,385 bytes of its log behind a flipped bit"
        assert "byte 79495 of wal/1.wal" in found.text


@pytest.mark.parametrize(
    ("status", "words"), [(1, "exit status 1"), (0, "exit status 0"), (-11, "SIGSEGV"), (-99, "signal 99")]
)
def test_an_end_that_nobody_meant_is_invalid(tmp_path: Path, status: int, words: str) -> None:
    verdict = check(tmp_path, lives=(*HEALTHY, life("n2", 2, ended_at=7, status=status)))
    assert verdict.validity is Validity.INVALID
    assert words in verdict.evidence[0].text
    assert verdict.evidence[0].nodes == ("n2",)


def test_a_nodes_own_error_on_the_way_out_is_invalid(tmp_path: Path) -> None:
    lives = (*HEALTHY, life("n2", 2, ended_at=9, status=70, ended_by="teardown"))
    assert check(tmp_path, lives=lives).validity is Validity.INVALID


def test_a_status_that_the_system_names_for_sigterm_is_no_error(tmp_path: Path) -> None:
    logs = {node: tmp_path / f"{node}.log" for node in NODES}
    for log in logs.values():
        log.write_text("ready\n")

    def judged(usual: list[int], **end: object) -> Verdict:
        lives = (*HEALTHY, life("n2", 2, ended_at=9, status=1, **end))
        options = {"stop_statuses": usual}
        return NodeHealth().check(recording(nodes=NODES, lives=lives, logs=logs, options=options))

    assert judged([0, 1], ended_by="teardown").validity is Validity.VALID
    assert judged([0], ended_by="teardown").validity is Validity.INVALID
    assert judged([0, 1]).validity is Validity.INVALID, "it ended by itself"
    second = judged([0], ended_by="teardown", process="sentinel")
    assert second.evidence[0].title == "n2 sentinel failed while teardown ended it: exit status 1"


@pytest.mark.parametrize("fault", ["disk-error", "full", "rot", "memory", "descriptors"])
def test_an_error_that_a_fault_left_no_way_round_is_on_the_faults_account(tmp_path: Path, fault: str) -> None:
    lives = (*HEALTHY, life("n2", 2, ended_at=9, status=74, ended_by=fault))
    assert check(tmp_path, lives=lives).validity is Validity.VALID


def test_only_where_memory_was_taken_away_is_its_lack_no_defect(tmp_path: Path) -> None:
    log = "Traceback (most recent call last):\n  File a\nMemoryError\n"
    assert check(tmp_path, log).validity is Validity.INVALID
    starved = {"nemesis": ["kill", "memory:one"]}
    logs = {"n1": tmp_path / "n1.log", "n2": tmp_path / "n2.log"}
    judged = NodeHealth().check(recording(nodes=NODES, lives=HEALTHY, logs=logs, options=starved))
    assert judged.validity is Validity.VALID
    logs["n1"].write_text(log.replace("MemoryError", "KeyError: 1"))
    judged = NodeHealth().check(recording(nodes=NODES, lives=HEALTHY, logs=logs, options=starved))
    assert judged.validity is Validity.INVALID


def test_a_life_that_still_runs_is_no_end(tmp_path: Path) -> None:
    assert check(tmp_path, lives=(*HEALTHY, life("n2", 2))).validity is Validity.VALID


def test_a_traceback_in_a_log_with_times_is_named_by_its_exception(tmp_path: Path) -> None:
    """Not by the last file that it went through, whose folder differs from machine to machine."""
    lines = ("Traceback (most recent call last):", '  File "/opt/a.py", line 3, in step', "KeyError: 3")
    log = "".join(f"17000 ERROR {line}\n" for line in lines) + "17001 INFO ready\n"
    verdict = check(tmp_path, log)
    (found,) = verdict.evidence
    assert found.title == "n2 logged a traceback: KeyError: 3"
    assert "ready" not in found.text


def test_a_traceback_is_one_finding_with_its_lines(tmp_path: Path) -> None:
    log = "ready\nTraceback (most recent call last):\n  File a\n    x\nAssertionError: index 3\nready\n"
    verdict = check(tmp_path, log)
    assert verdict.validity is Validity.INVALID
    (found,) = verdict.evidence
    assert found.title == "n2 logged a traceback: AssertionError: index 3"
    assert "from line 2" in found.text
    assert "AssertionError: index 3" in found.text


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01 CRITICAL raft: cannot go on",
        "node.c:12: Assertion `n > 0' failed.",
        "AssertionError",
    ],
)
def test_lines_that_tell_of_a_defect_are_invalid(tmp_path: Path, line: str) -> None:
    assert check(tmp_path, f"ready\n{line}\n").validity is Validity.INVALID


def test_ordinary_lines_are_no_defect(tmp_path: Path) -> None:
    log = "WARNING critical section entered\nthe assertion holds\nINFO UNCRITICAL\n"
    assert check(tmp_path, log).validity is Validity.VALID


def test_what_was_not_recorded_is_unknown(tmp_path: Path) -> None:
    assert check(tmp_path, lives=()).validity is Validity.UNKNOWN
    assert check(tmp_path, lives=HEALTHY[:2]).validity is Validity.UNKNOWN
    no_logs = recording(nodes=NODES, lives=HEALTHY)
    assert NodeHealth().check(no_logs).validity is Validity.UNKNOWN
    gone = recording(nodes=NODES, lives=HEALTHY, logs=dict.fromkeys(NODES, tmp_path / "gone"))
    assert NodeHealth().check(gone).validity is Validity.UNKNOWN
