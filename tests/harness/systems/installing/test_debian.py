"""Debian packages are downloaded, compared with their pins, and unpacked; nothing of them runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import install
from harness.systems.installing.finding import find
from harness.systems.installing.folders import record_of
from harness.systems.installing.sources.debian import offers_of
from tests.harness.systems.installing.debs import FILE, PACKAGE, TEAPOT, Repository, needs_debian, repository

__all__ = ["repository"]

SHOWN = """\
Package: redis-server
Architecture: amd64
Version: 5:7.0.15-1~deb12u10
Depends: lsb-base (>= 3.2-14),
 redis-tools (= 5:7.0.15-1~deb12u10)
Filename: pool/updates/main/r/redis/redis-server_7.0.15-1~deb12u10_amd64.deb
Size: 73908
SHA256: 784e17b5

Package: redis-server
Status: install ok installed
Version: 5:7.0.14-1

Package: etcd-server
Version: 3.4.23-4+b4
Filename: pool/main/e/etcd/etcd-server_3.4.23-4+b4_amd64.deb
Size: 8438488
SHA256: 3a9445d4
"""


def test_what_can_be_downloaded_is_read_with_the_version_of_its_makers() -> None:
    offers = [(offer.package, offer.upstream, offer.sha256) for offer in offers_of(SHOWN)]
    assert offers == [("redis-server", "7.0.15", "784e17b5"), ("etcd-server", "3.4.23", "3a9445d4")]


@needs_debian
def test_a_package_with_its_pin_is_unpacked_and_found(repository: Repository, tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = install(TEAPOT, home=home, pins=repository.pins)
    record = record_of(folder)
    assert record is not None
    assert (record.artifacts, record.unpinned) == (repository.pins, ())
    found = find(TEAPOT, "1.2", home=home)
    assert (found.path, found.version, found.from_where) == (folder / "usr/bin/teapot", "1.2.3", "installed")


@needs_debian
def test_no_script_of_a_package_runs_and_the_machine_does_not_have_it(
    repository: Repository, tmp_path: Path
) -> None:
    install(TEAPOT, home=tmp_path / "home", pins=repository.pins)
    assert not repository.witness.exists()
    assert subprocess.run(["dpkg", "-s", PACKAGE], capture_output=True, check=False).returncode != 0


@needs_debian
def test_rights_are_dropped_and_links_stay_inside(repository: Repository, tmp_path: Path) -> None:
    programs = install(TEAPOT, home=tmp_path / "home", pins=repository.pins) / "usr/bin"
    assert (programs / "teapot").stat().st_mode & 0o7777 == 0o755
    assert (programs / "kettle").readlink() == Path("teapot")


@needs_debian
def test_another_checksum_than_the_pinned_one_is_refused_with_both(
    repository: Repository, tmp_path: Path
) -> None:
    [right] = repository.pins.values()
    wrong = f"sha256:{'0' * 64}"
    for unpinned in (False, True):
        with pytest.raises(CouldNotRun) as refused:
            install(TEAPOT, home=tmp_path / "home", pins={FILE: wrong}, unpinned=unpinned)
        assert str(refused.value) == f"{FILE} is refused: its checksum is {right}, and {wrong} was expected"
    assert list(tmp_path.glob("home/teapot/[!.]*")) == []


@needs_debian
def test_a_package_without_a_pin_is_taken_only_if_asked_for(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"has no pinned checksum.*--unpinned"):
        install(TEAPOT, home=tmp_path / "home", pins={})
    record = record_of(install(TEAPOT, home=tmp_path / "home", pins={}, unpinned=True))
    assert record is not None
    assert (record.artifacts, record.unpinned) == (repository.pins, (FILE,))


@needs_debian
def test_a_program_of_another_version_than_the_recipes_is_refused(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish(repository.built(tmp_path / "other" / "built", prints="teapot 1.2.4"))
    with pytest.raises(CouldNotRun, match=r"was brought for teapot 1\.2\.3 is teapot 1\.2\.4"):
        install(TEAPOT, home=tmp_path / "home", pins=repository.pins)
    assert list(tmp_path.glob("home/teapot/*.part*")) == []


@needs_debian
def test_a_damaged_package_is_one_line(repository: Repository, tmp_path: Path) -> None:
    whole = (repository.packages / FILE).read_bytes()
    damaged = tmp_path / FILE
    damaged.write_bytes(whole[:-3000])
    repository.publish(damaged)
    with pytest.raises(CouldNotRun, match=f"{FILE} cannot be unpacked"):
        install(TEAPOT, home=tmp_path / "home", pins=repository.pins)
