"""Requests that no client sends by itself, at a node of ours; `test_real_nacos.py` asks Nacos the same."""

from __future__ import annotations

from pathlib import Path

from tests.node_impl.io.clients.endpoints import ENDPOINTS, answer_of
from tests.node_impl.node_processes import nodes, wait_for_leader


def test_a_node_answers_as_the_table_says(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as members:
        members[0].start()
        wait_for_leader(members)
        for asked in ENDPOINTS:
            assert answer_of(members[0], asked) == asked.ours, asked
