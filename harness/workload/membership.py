"""Workload `membership`: as `registry`, but clients also ask every node who the members are.

It goes with the fault `membership`, which changes the members meanwhile. The checker `membership-views`
compares the answers with each other; `membership` and the other Raft checkers judge the nodes' traces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from checkers.check_all import Suite
from checkers.registry.membership_views import MembershipViews
from harness.client.data_types import MEMBERS
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.registry import mixed_operation, read_operation, registry
from harness.workload.sharing import half_only_read

VIEWS_PERCENT = 20


def membership(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    base = registry(nodes, concurrency)
    return replace(
        base,
        name="membership",
        data_type=MEMBERS,
        generator=half_only_read(concurrency, mixed_or_view, read_or_view),
        checkers=Suite((MembershipViews(),)) + base.checkers,
    )


def mixed_or_view(context: Context) -> dict[str, Any]:
    """Any operation of the registry, or a view of the members."""
    return _view() if _is_view(context) else mixed_operation(context)


def read_or_view(context: Context) -> dict[str, Any]:
    """A read of the registry, or a view of the members."""
    return _view() if _is_view(context) else read_operation(context)


def _is_view(context: Context) -> bool:
    return context.draw.below(100, "view") < VIEWS_PERCENT


def _view() -> dict[str, Any]:
    return {"f": "members", "key": "members"}
