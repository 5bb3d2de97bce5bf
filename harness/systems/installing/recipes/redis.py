"""Redis of Debian, with Sentinel; three names of one binary."""

from __future__ import annotations

from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.debian import Debian

_VERSION = r"v=(\S+)"

REDIS = Recipe(
    system="redis",
    programs=(
        Binary("redis-server", _VERSION, debian="redis-server"),
        Binary("redis-sentinel", _VERSION, debian="redis-sentinel"),
    ),
    releases=(
        Release(
            "7.0.15",
            Debian(
                (
                    *("redis-server", "redis-sentinel", "redis-tools"),
                    # The libraries that no other program of a usual Debian needs.
                    *("libjemalloc2", "liblzf1", "libatomic1"),
                )
            ),
            {"redis-server": ("usr/bin/redis-server",), "redis-sentinel": ("usr/bin/redis-sentinel",)},
            needs_mib=60,
            libraries=("usr/lib/*-linux-gnu",),
        ),
    ),
)
