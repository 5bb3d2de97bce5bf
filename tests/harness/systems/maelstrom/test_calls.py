"""What clients ask of Maelstrom's nodes, and what each answer means."""

from __future__ import annotations

from typing import Any

import pytest

from harness.client.clients import Site
from harness.systems.maelstrom.calls import CALLS, Refused, completed, number
from harness.systems.maelstrom.line import Line
from harness.systems.maelstrom.system import share_of
from harness.systems.maelstrom.topology import TOPOLOGIES, topology
from history import Operation


def asking(f: str, value: Any = None, key: str | None = None) -> Operation:
    """An invocation."""
    return Operation(0, 0, 0, "invoke", f, key, value)


@pytest.mark.parametrize(
    ("workload", "operation", "answer", "type_", "value"),
    [
        ("lin-kv", asking("read", key="cas-3"), {"type": "read_ok", "value": 4}, "ok", 4),
        ("lin-kv", asking("read", key="cas-3"), {"type": "error", "code": 20}, "ok", None),
        ("lin-kv", asking("cas", [1, 2], "cas-3"), {"type": "cas_ok"}, "ok", [1, 2]),
        ("lin-kv", asking("cas", [1, 2], "cas-3"), {"type": "error", "code": 22}, "ok", False),
        ("lin-kv", asking("write", 1, "cas-3"), {"type": "error", "code": 11}, "fail", 1),
        ("lin-kv", asking("write", 1, "cas-3"), {"type": "error", "code": 13}, "info", 1),
        ("lin-kv", asking("write", 1, "cas-3"), {"type": "error", "code": 1000}, "info", 1),
        ("lin-kv", asking("read", key="cas-3"), {"type": "error", "code": 0}, "fail", None),
        ("broadcast", asking("read"), {"type": "read_ok", "messages": [1]}, "ok", [1]),
        ("g-set", asking("read"), {"type": "read_ok", "value": [1]}, "ok", [1]),
        ("g-counter", asking("add", 3), {"type": "add_ok"}, "ok", 3),
        (
            "txn-list-append",
            asking("txn", [["r", "list-5", None], ["append", "list-5", 3]]),
            {"type": "txn_ok", "txn": [["r", 5, [1]], ["append", 5, 3]]},
            "ok",
            [["r", "list-5", [1]], ["append", "list-5", 3]],
        ),
    ],
)
def test_an_answer_says_what_happened(
    workload: str, operation: Operation, answer: dict[str, Any], type_: str, value: Any
) -> None:
    done = completed(operation, answer, CALLS[workload][1])
    assert (done.type, done.value) == (type_, value)


@pytest.mark.parametrize(
    ("workload", "operation", "answer"),
    [
        ("lin-kv", asking("read", key="cas-3"), {"type": "read_ok"}),
        ("txn-list-append", asking("txn", [["r", "list-5", None]]), {"type": "txn_ok", "txn": []}),
        ("txn-list-append", asking("txn", [["r", "list-5", None]]), {"type": "txn_ok", "txn": [["r", 6, 1]]}),
        ("txn-rw-register", asking("txn", [["w", "a-5", 1]]), {"type": "txn_ok", "txn": [["w", 5, 2]]}),
    ],
)
def test_an_answer_that_the_documentation_does_not_have_is_refused(
    workload: str, operation: Operation, answer: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="unexpected"):
        completed(operation, answer, CALLS[workload][1])


def test_each_client_has_a_name_of_its_own() -> None:
    """Two clients of one process with one name took each other's late answers: a false violation."""
    members = {f"n{number}": {"client": f"127.0.0.1:{number}"} for number in range(1, 4)}
    sites = [Site(node, members, process, 1.0) for process in range(20) for node in members]
    assert len({Line(site).name for site in sites}) == len(sites)


def test_keys_are_different_numbers() -> None:
    keys = ["cas-0", "cas-1", "cas-try-0", "cas-try-1"]
    assert len({number(key) for key in keys}) == len(keys)


@pytest.mark.parametrize("name", TOPOLOGIES)
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_every_node_can_be_reached_over_neighbours(name: str, count: int) -> None:
    nodes = [f"n{number}" for number in range(1, count + 1)]
    neighbours = topology(name, nodes)
    reached, new = {"n1"}, ["n1"]
    while new:
        new = [other for node in new for other in neighbours[node] if other not in reached]
        reached.update(new)
    assert reached == set(nodes)
    assert all(node in neighbours[other] for node in nodes for other in neighbours[node])


@pytest.mark.parametrize(("text", "share"), [("", None), ("total", 1.0), ("0.9", 0.9), ("0", 0.0)])
def test_the_share_of_requests_is_stated_as_maelstrom_states_it(text: str, share: float | None) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["1.5", "-0.1", "most", "nan"])
def test_another_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number from 0 to 1, or total"):
        share_of(text)
