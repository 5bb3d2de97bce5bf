"""The headline of two logs that differ says which node put what, where another node has something else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from checkers.raft.invariants.logs import LogMatching
from reports.explain import explain
from tests.checkers.builders import recording
from tests.checkers.traces import ClusterBuilder, entry, healthy_cluster


def differing_below(cluster: ClusterBuilder) -> str:
    index = len(cluster["n2"].log) + 1
    cluster["n2"].append(entry(index, 2, "a", op="61"), entry(index + 1, 3, op="64"))
    cluster["n3"].append(entry(index, 3, "b", op="62"), entry(index + 1, 3, op="64"))
    return (
        f"n3 appended index {index} to {index + 1} in term 2 above operation 62 (index {index}, term 3), "
        f"where n2 has operation 61 (index {index}, term 2)"
    )


def differing(cluster: ClusterBuilder) -> str:
    index = len(cluster["n2"].log) + 1
    cluster["n2"].append(entry(index, 2, "a", op="61"))
    cluster["n3"].append(entry(index, 2, "b", op="62"))
    return (
        f"n3 appended index {index} in term 2: operation 62 (index {index}, term 2), "
        f"where n2 has operation 61 (index {index}, term 2)"
    )


@pytest.mark.parametrize("differ", [differing_below, differing])
def test_the_headline_names_both_nodes_the_index_both_terms_and_both_operations(
    differ: Callable[[ClusterBuilder], str],
) -> None:
    cluster = healthy_cluster()
    wanted = differ(cluster)
    run = recording(traces=cluster.build())
    found = explain(run, [LogMatching().check(run)], {"log-matching"})
    assert found is not None
    assert found.headline == wanted


def test_the_node_that_came_later_put_what_differs_whichever_the_checker_met_first() -> None:
    cluster = healthy_cluster()
    index = len(cluster["n2"].log) + 1
    cluster["n3"].append(entry(index, 2, "b", op="62"), entry(index + 1, 3, op="64"))
    for _ in range(20):
        cluster["n2"].trace("synced", index=index - 1)
    cluster["n2"].append(entry(index, 3, "a", op="61"), entry(index + 1, 3, op="64"))
    run = recording(traces=cluster.build(), options={"monotonic_start_ns": 0})
    found = explain(run, [LogMatching().check(run)], {"log-matching"})
    assert found is not None
    assert re.sub(r" at [0-9.]+ \S*s\b", "", found.headline) == (
        f"n2 appended index {index} to {index + 1} in term 2 above operation 61 (index {index}, term 3), "
        f"where n3 has operation 62 (index {index}, term 2)"
    )


def test_the_story_says_who_appended_each_of_the_entries_that_differ() -> None:
    cluster = healthy_cluster()
    index = len(cluster["n2"].log) + 1
    differing_below(cluster)
    run = recording(traces=cluster.build())
    found = explain(run, [LogMatching().check(run)], {"log-matching"})
    assert found is not None
    appended = [(line.node, line.index) for line in found.story if line.kind == "append"]
    assert ("n2", index) in appended
    assert ("n3", index) in appended
