"""Redis, PySyncObj and NATS as real clusters: one short run each, where they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.run.test import Test
from harness.systems.nats import Nats
from harness.systems.pysyncobj import PySyncObj
from harness.systems.redis import Redis
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.parametrize(
    ("name", "system", "workload", "nemesis", "seconds"),
    [
        ("pysyncobj", PySyncObj(), "register", ("kill:leader",), 4.0),
        ("redis", Redis(), "register", (), 4.0),
        ("nats", Nats(), "set", ("kill:leader",), 16.0),
    ],
    ids=["pysyncobj", "redis", "nats"],
)
def test_a_cluster_keeps_what_it_promises(
    name: str,
    system: PySyncObj | Redis | Nats,
    workload: str,
    nemesis: tuple[str, ...],
    seconds: float,
    tmp_path: Path,
) -> None:
    """Of NATS, 2.9 loses updates of registers without any fault (docs/found.md), so sets are tested."""
    try:
        system.version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system=name,
        workload=workload,
        nemesis=nemesis,
        time_limit_s=seconds,
        minimum_acknowledged=20,
    )
    checkers = ("linearizability", "recovery", "unhandled-errors")
    found = judged(test, tmp_path / "store", checkers).found
    for checker in checkers:
        assert found[checker].validity is Validity.VALID, found[checker]
