"""Ports of the workers of pytest-xdist: each takes them from a range of its own, so none takes another's."""

from __future__ import annotations

import os
import random

LOWEST, HIGHEST = 10_000, 32_000
"""As in harness/cluster/ports.py; a test holds them equal."""
MOST_PORTS = 200
"""More than the clusters of tests need."""


def own_base_port() -> int | None:
    """The first of some ports for a cluster; None in a run without workers, where any free ports will do."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = worker.removeprefix("gw")
    if not number.isdecimal():
        return None
    width = (HIGHEST - LOWEST) // max(1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    return LOWEST + int(number) * width + random.SystemRandom().randrange(max(1, width - MOST_PORTS))


def is_taken(message: str) -> bool:
    """Whether a refusal says that a port was taken, so that another may be tried."""
    return "is in use" in message and "--base-port" in message
