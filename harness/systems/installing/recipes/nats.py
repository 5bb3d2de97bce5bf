"""NATS with JetStream: 2.9 of Debian, and newer ones built from their Go module."""

from __future__ import annotations

from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.debian import Debian
from harness.systems.installing.sources.go import Go


def _built(version: str) -> Release:
    """Any version of 2.x that the module has."""
    source = Go("github.com/nats-io/nats-server/v2", "nats-server")
    return Release(version, source, {"nats-server": ("bin/nats-server",)}, needs_mib=1500)


NATS = Recipe(
    system="nats",
    programs=(Binary("nats-server", version=r"^nats-server: v(\S+)", debian="nats-server"),),
    releases=(
        Release("2.9.10", Debian(("nats-server",)), {"nats-server": ("usr/sbin/nats-server",)}, needs_mib=40),
        _built("2.15.3"),
        _built("2.12.1"),
    ),
    other=_built,
)
