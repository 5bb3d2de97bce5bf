"""The parts that a test names: its system, its workload, and the clients between them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import msgspec

from harness.client.clients import MakeClient
from harness.client.codecs.base import Codec
from harness.run.test import USUAL_RECOVERY_S, Test
from harness.systems import client_for, system_of
from harness.systems.base import System, bounds
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
    client = client_for(system, work)
    settle_s = settle_bound_s(test, system)
    if settle_s and work.final_within is not None:
        work = replace(work, final=work.final_within(settle_s))
    return RunParts(system, work, client)


def with_system_bounds(test: Test) -> Test:
    """The test with the system's bound on recovery, where it states none of its own.

    Raises:
        ValueError: there is no such system.
    """
    if test.recovery_bound_s != USUAL_RECOVERY_S:
        return test
    system = system_of(test.system, test.options())
    return msgspec.structs.replace(test, recovery_bound_s=bounds(system).recovery_s)


def settle_bound_s(test: Test, system: System) -> float:
    """How long lookups may lag in a run of the test: its own bound, or the system's if that is longer."""
    return max(test.settle_bound_s, bounds(system).settle_s)
