"""The parts that a test names: its system, its workload, and the clients between them."""

from __future__ import annotations

from typing import NamedTuple

from harness.client.clients import MakeClient
from harness.client.codecs.base import Codec
from harness.run.test import Test
from harness.systems import client_for, system_of
from harness.systems.base import System
from harness.workload import Workload, workload


class RunParts(NamedTuple):
    """What a run is put together from."""

    system: System
    workload: Workload
    client: Codec | MakeClient
    """What carries out the operations: a codec over HTTP, or clients of any protocol."""


def parts_of(test: Test) -> RunParts:
    """The parts of a test.

    Raises:
        ValueError: a part does not exist, or the system does not have what the workload needs; in words.
    """
    system = system_of(test.system, test.options())
    work = workload(test.workload, test.nodes, test.concurrency)
    return RunParts(system, work, client_for(system, work))
