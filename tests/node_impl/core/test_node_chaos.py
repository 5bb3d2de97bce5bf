"""Crashes, partitions, losses, repeats and delays never break a property of Raft or a promise to clients."""

from __future__ import annotations

import pytest

from node_impl.core.events import Done
from tests.node_impl.chaos import run_chaos


@pytest.mark.parametrize("seed", range(60))
def test_every_property_holds_through_chaos(seed: int) -> None:
    cluster = run_chaos(seed, size=3 + 2 * (seed % 2), restart_all=seed % 3 == 0)
    assert sum(isinstance(call.reply, Done) for call in cluster.calls) > 20
    assert max(cluster.invariants.leaders) > 1, "no leader was ever lost: the run shows nothing"


def test_the_same_seed_gives_the_same_trace() -> None:
    first, second = run_chaos(7), run_chaos(7)
    assert first.traces == second.traces
    assert [call.reply for call in first.calls] == [call.reply for call in second.calls]


def test_the_registries_are_equal_in_the_end() -> None:
    cluster = run_chaos(11)
    assert len({cluster.node(name).machine.registry.digest() for name in cluster.names}) == 1


@pytest.mark.parametrize("size", [1, 2, 4])
def test_clusters_of_other_sizes_keep_the_properties_too(size: int) -> None:
    run_chaos(3, size=size)
