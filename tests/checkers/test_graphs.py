"""A small cycle is found exactly where there is one, and it is the smallest."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from checkers.graphs import edges_of, small_cycle, smallest_cycle

EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24)


@given(EDGES)
def test_a_small_cycle_is_found_exactly_where_a_graph_has_one(edges: list[tuple[int, int]]) -> None:
    after: dict[int, list[int]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    found = small_cycle(after)
    graph = nx.DiGraph(edges)
    assert (found is None) == nx.is_directed_acyclic_graph(graph)
    if found is not None:
        assert len(set(found)) == len(found)
        assert all(graph.has_edge(*edge) for edge in edges_of(found))


@given(EDGES)
def test_the_smallest_cycle_is_as_small_as_any(edges: list[tuple[int, int]]) -> None:
    graph = nx.DiGraph(edges)
    found = smallest_cycle(graph, list(graph))
    lengths = [len(cycle) for cycle in nx.simple_cycles(graph)]
    assert (found is None and not lengths) or (found is not None and len(found) == min(lengths))


def test_an_edge_without_weight_costs_nothing() -> None:
    """As the graph of transactions needs it, where moments in time are no transactions."""
    graph = nx.DiGraph([("a", "b"), ("b", "a")])
    graph.add_edge("a", "moment", weight=0)
    graph.add_edge("moment", "a", weight=1)
    assert smallest_cycle(graph, ["a", "b"]) == ["a", "moment"]


def test_a_cycle_beside_a_large_graph_without_one_is_found() -> None:
    after: dict[object, list[object]] = {number: [number + 1] for number in range(20_000)}
    after["x"], after["y"] = ["y", 0], ["x"]
    assert sorted(map(str, small_cycle(after) or [])) == ["x", "y"]
