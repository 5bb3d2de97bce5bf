"""The parts that a test names: its system, its workload, and the codec between them."""

from __future__ import annotations

from typing import NamedTuple

from harness.client.codecs.base import Codec
from harness.run.test import Test
from harness.systems import System, codec_for, system_of
from harness.workload import Workload, workload


class RunParts(NamedTuple):
    """What a run is put together from."""

    system: System
    workload: Workload
    codec: Codec


def parts_of(test: Test) -> RunParts:
    """The parts of a test.

    Raises:
        ValueError: a part does not exist, or the system does not have what the workload needs; in words.
    """
    system = system_of(test.system, test.options())
    work = workload(test.workload, test.nodes, test.concurrency)
    return RunParts(system, work, codec_for(system, work))
