"""A campaign on a Dask cluster gives what it gives here, also if a worker dies and the scheduler restarts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.campaign import run_campaign
from harness.campaign.cells import Cell, canary
from harness.campaign.executors import dask_executors, usual_executors
from harness.campaign.journal import Journal, Stored
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from harness.executors.dask_cluster import DaskCluster
from harness.sim.schedule.version import identity
from tests.harness.campaign.fakes import plan
from tests.harness.executors.dask_processes import ROOT, dask_processes, needs_dask

CELLS = (
    canary("forgetful"),
    Cell(nodes=3, time_limit_s=2, rate=40, seeds=10),
    Cell(nodes=3, time_limit_s=2, rate=40, seeds=10, workload="cas", nemesis=("kill",)),
)


class Watched(CampaignProgress):
    """Calls something once a number of runs has ended."""

    def __init__(self, after: int, call: Callable[[], None]) -> None:
        super().__init__(quiet=True)
        self._left = after
        self._call = call

    def count(self, cell: Cell, outcome: Outcome, *, is_new: bool) -> None:
        super().count(cell, outcome, is_new=is_new)
        self._left -= 1
        if self._left == 0:
            self._call()


def digests(stored: Stored) -> dict[Any, str]:
    """Of each run that is no canary's: how many of those run depends on which ended first."""
    return {line.unit: line.outcome.digest for line in stored.runs if line.cell > 0}


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_campaign_gives_the_same_on_dask_with_a_worker_killed_and_the_scheduler_restarted(
    tmp_path: Path,
) -> None:
    needs_dask()
    here = run_campaign(
        Journal.create(tmp_path, plan(*CELLS)), usual_executors(2), CampaignProgress(quiet=True)
    )
    with dask_processes(tmp_path, 2) as cluster:

        def disturb() -> None:
            cluster.workers[0].send_signal(signal.SIGKILL)
            cluster.restart()

        connected = DaskCluster(cluster.address, identity, jobs=1)
        journal = Journal.create(tmp_path, plan(*CELLS, name="there"))
        there = run_campaign(journal, dask_executors(connected, print), Watched(8, disturb))
    units = [line.unit for line in there.runs]
    assert len(units) == len(set(units))
    assert digests(here) == digests(there)
    assert summary_of(there).cells[0].canary == "found"
    assert [cell.runs for cell in summary_of(there).cells[1:]] == [10, 10]
    assert summary_of(there).failed == ()


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_worker_on_which_another_version_of_ackproof_is_installed_is_refused(tmp_path: Path) -> None:
    needs_dask()
    installed = tmp_path / "installed"
    about = installed / "ackproof-99.1.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: ackproof\nVersion: 99.1\n")
    with dask_processes(tmp_path, 0) as cluster:
        cluster.start_worker({"PYTHONPATH": os.pathsep.join((str(installed), str(ROOT)))})
        with pytest.raises(CouldNotRun, match=r"tcp://127\.0\.0\.1:\d+ \(Ackproof is 99\.1 there and "):
            DaskCluster(cluster.address, identity, jobs=1)


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_tls_connects_those_with_certificates_and_nobody_else(tmp_path: Path) -> None:
    needs_dask()
    import dask.config

    pytest.importorskip("cryptography", reason="no certificates can be made without it")
    key, certificate = certificates(tmp_path)
    (tmp_path / "others").mkdir()
    own = dict(zip(("key", "cert"), certificates(tmp_path / "others"), strict=True))
    names = {"ca-file": certificate}
    for role in ("scheduler", "worker", "client"):
        names |= {f"{role}.key": key, f"{role}.cert": certificate}
    settings = {f"distributed.comm.tls.{name}": str(path) for name, path in names.items()}
    tls = {
        "DASK_" + name.upper().replace(".", "__").replace("-", "_"): path for name, path in settings.items()
    }
    with dask_processes(tmp_path, 1, environment=tls, scheme="tls") as cluster:
        with pytest.raises(CouldNotRun, match=r"names no certificates for tls://"):
            DaskCluster(cluster.address, identity, jobs=1)
        plain = cluster.address.replace("tls://", "tcp://")
        with pytest.raises(CouldNotRun, match="no Dask scheduler answers at tcp://"):
            DaskCluster(plain, identity, jobs=1, connect_s=3)
        with dask.config.set(settings):
            connected = DaskCluster(cluster.address, identity, jobs=1)
            assert all(worker.startswith("tls://") for worker in connected.workers)
            connected.close()
        others = {f"distributed.comm.tls.client.{name}": str(path) for name, path in own.items()}
        refused = r"do not accept each other's certificates \((\[SSL|SSLEOFError: ).*authority"
        with dask.config.set(settings | others), pytest.raises(CouldNotRun, match=refused):
            DaskCluster(cluster.address, identity, jobs=1, connect_s=3)


def certificates(folder: Path) -> tuple[Path, Path]:
    """A key, and a certificate that it signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ackproof tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "key.pem", folder / "cert.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.TraditionalOpenSSL
    files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    files[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files
