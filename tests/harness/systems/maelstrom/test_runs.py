"""`ackproof maelstrom test` with small nodes: right ones are valid, and each wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.ackproof import Ran, ackproof

NODES = Path(__file__).with_name("nodes")


def ran(tmp_path: Path, workload: str, behaviour: str, *more: str) -> Ran:
    """Test the node with this behaviour for two seconds; it takes its behaviour from its name."""
    program = tmp_path / behaviour
    if behaviour != "absent" and not program.exists():
        program.symlink_to(NODES / ("logs.py" if workload == "kafka" else "node.py"))
    return ackproof(
        *("maelstrom", "test", "-w", workload, "--bin", str(program), "--node-count", "3"),
        *("--time-limit", "2", "--rate", "50", "--seed", "7", "--store", str(tmp_path / "store"), *more),
        state=tmp_path,
    )


@pytest.mark.parametrize(
    ("workload", "behaviour"),
    [
        ("lin-kv", "over-the-service"),
        pytest.param("echo", "plain", marks=pytest.mark.campaign),
        pytest.param("unique-ids", "by-time", marks=pytest.mark.campaign),
        pytest.param("kafka", "whole", marks=pytest.mark.campaign),
    ],
)
def test_a_right_node_is_valid(workload: str, behaviour: str, tmp_path: Path) -> None:
    done = ran(tmp_path, workload, behaviour)
    assert done.status == 0, done.telling


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("workload", "behaviour", "checker"),
    [
        ("echo", "shout", "echo"),
        ("unique-ids", "per-connection", "unique-ids"),
        ("broadcast", "silent", "settled-set"),
        ("kafka", "forgetful", "message-log"),
        ("kafka", "impatient", "message-log"),
        ("kafka", "boastful", "message-log"),
    ],
)
def test_a_wrong_node_is_invalid(workload: str, behaviour: str, checker: str, tmp_path: Path) -> None:
    done = ran(tmp_path, workload, behaviour)
    assert done.status == 1, done.telling
    assert done.by_checker[checker] == "invalid"


@pytest.mark.campaign
def test_messages_are_lost_in_a_partition(tmp_path: Path) -> None:
    """The node sends all that it knows with each message, so what was lost may come with a later one."""
    assert ran(tmp_path, "broadcast", "spread", "--latency", "10").status == 0
    cut = ran(tmp_path, "broadcast", "spread", "--nemesis", "partition", "--time-limit", "6")
    assert cut.status in (0, 1), cut.telling
    assert cut.by_checker["vacuity"] == "valid"


def test_the_line_that_is_no_message_is_named(tmp_path: Path) -> None:
    done = ran(tmp_path, "echo", "garbage")
    assert done.status == 1, done.telling
    assert done.by_checker["node-health"] == "invalid"
    logs = "".join(file.read_text() for file in tmp_path.glob("store/*/nodes/n2/log.txt"))
    assert "node n2 broke Maelstrom's protocol: line 2 of its output is no JSON: 'not a message'" in logs


def test_a_program_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = ran(tmp_path, "echo", "absent")
    assert done.status == 255
    assert "there is no program" in done.errors
    assert "by --bin" in done.errors
