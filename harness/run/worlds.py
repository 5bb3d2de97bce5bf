"""The worlds of real processes by name: a new one is a file in harness/cluster and one line here."""

from __future__ import annotations

from pathlib import Path

from harness.cluster.local import LocalWorld
from harness.cluster.netns import NetnsWorld
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.hosts.host import Clock
from harness.run.test import Test
from harness.systems.base import RunsRemotely, System


def world_of(test: Test, system: System, folder: Path, clock: Clock) -> HostedWorld:
    """The world that a test describes, with the folders of the nodes under `folder`.

    Raises:
        CouldNotRun: the hosts are remote, and paramiko is not installed or the system cannot be shipped.
    """
    faults = tuple(dict.fromkeys(fault.partition(":")[0] for fault in test.nemesis))
    needed = (*faults, *test.collect)
    if test.world != "ssh":
        world = {"local": LocalWorld, "netns": NetnsWorld}[test.world]
        return world(
            system, test.nodes, folder, clock, faults=needed, seed=test.seed, base_port=test.base_port
        )
    try:
        from harness.cluster.ssh import SshWorld  # here, since only this needs paramiko
    except ImportError as error:
        raise CouldNotRun(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'") from error
    if not isinstance(system, RunsRemotely):
        raise CouldNotRun(
            f"system {system.name} does not say what a remote host needs to run it (its `deployment`); "
            "use --world local or netns"
        )
    return SshWorld(
        system,
        test.inventory,
        system.deployment,
        folder,
        clock,
        faults=needed,
        seed=test.seed,
        base_port=test.base_port,
    )
