"""The etcd that tests use: the one that the harness itself finds, on the machine or installed by it."""

from __future__ import annotations

from functools import cache

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import located


@cache
def etcd_here() -> str | None:
    """The path of its program; None if there is none."""
    try:
        return str(located("etcd", program="etcd").path)
    except CouldNotRun:
        return None


needs_etcd = pytest.mark.skipif(
    etcd_here() is None, reason="etcd is missing: `ackproof systems install etcd` brings it"
)
