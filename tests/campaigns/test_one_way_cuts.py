"""Five nodes and cuts in one direction: what each cut stopped is counted, and what is promised holds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from checkers.run.faults import FaultOperation, fault_operations
from checkers.verdict import Validity
from harness.run.test import Test
from tests.campaigns.test_coordination_controls import name_here
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces

NODES = ("n1", "n2", "n3", "n4", "n5")
CHECKERS = ("linearizability", "election-safety", "recovery", "node-health", "vacuity")


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("system", ["etcd", "zookeeper"])
def test_each_one_way_cut_of_five_nodes_counts_what_it_stopped_on_its_own_links(
    system: str, tmp_path: Path
) -> None:
    test = Test(
        nodes=NODES,
        world="netns",
        system=name_here(system),
        workload="register",
        nemesis=("partition:one-way",),
        time_limit_s=40.0,
    )
    ran = judged(test, tmp_path / "store", CHECKERS)
    for checker in CHECKERS:
        assert ran.found[checker].validity is Validity.VALID, ran.found[checker]
    faults = [
        fault
        for fault in fault_operations(ran.folder.recording().history)
        if fault.f in ("partition", "heal", "final-heal")
    ]
    cuts = [(cut, healed) for cut, healed in pairwise(faults) if cut.f == "partition"]
    assert cuts
    for cut, healed in cuts:
        links, stopped = links_of(cut), stopped_by(healed)
        assert stopped, "TCP sends to a node that does not answer"
        assert set(stopped) <= links
        assert min(stopped.values()) > 0
        assert not {reversed_link(link) for link in links} & links, "it was one-way"


def links_of(cut: FaultOperation) -> set[str]:
    return {f"{sender}→{hearer}" for action in cut.took("Cut") for sender, hearer in action.links}


def stopped_by(healed: FaultOperation) -> dict[str, int]:
    """By link, how many packets were stopped until this heal."""
    return {
        link: count
        for action in healed.took("Heal")
        for link, count in action.details["swallowed_by_link"].items()
    }


def reversed_link(link: str) -> str:
    sender, hearer = link.split("→")
    return f"{hearer}→{sender}"
