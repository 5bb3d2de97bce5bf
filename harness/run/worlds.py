"""All worlds of real processes by name. A new one is a file of its own and one line here."""

from __future__ import annotations

from pathlib import Path

from harness.cluster.local import LocalWorld
from harness.cluster.netns import NetnsWorld
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.hosts.host import Clock
from harness.hosts.ssh.bundle import Deployment
from harness.run.test import Test
from harness.systems.reference_node import NodeImpl

NODE_IMPL_PARTS = Deployment(
    packages=("node_impl", "harness", "history"), distributions=("httptools", "msgspec")
)
"""The harness is among them for its mutants."""


def world_of(test: Test, folder: Path, clock: Clock) -> HostedWorld:
    """The world that a test describes, its nodes' folders under `folder`.

    Raises:
        CouldNotRun: paramiko is not installed, and the hosts are remote.
    """
    system = NodeImpl(
        test.mutant,
        test.heartbeat_ms,
        test.election_ms,
        test.request_timeout_ms,
        test.snapshot_entries,
        test.clock_drift_bound_percent if test.lease else None,
    )
    faults = tuple(dict.fromkeys(fault.partition(":")[0] for fault in test.nemesis))
    asked = (*faults, *test.collect)
    if test.hosts != "ssh":
        world = {"local": LocalWorld, "netns": NetnsWorld}[test.hosts]
        return world(
            system, test.nodes, folder, clock, faults=asked, seed=test.seed, base_port=test.base_port
        )
    try:
        from harness.cluster.ssh import SshWorld  # here, since only this needs paramiko
    except ImportError as error:
        raise CouldNotRun(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'") from error
    return SshWorld(
        system,
        test.inventory,
        NODE_IMPL_PARTS,
        folder,
        clock,
        faults=asked,
        seed=test.seed,
        base_port=test.base_port,
    )
