"""Workload `membership`: `registry`, by clients that also ask every node whom it takes for the members.

It is made for the nemesis `membership`, which changes them meanwhile. What clients are shown is held against
itself by `membership-views`; what the nodes did, by `membership` and all other invariants of the traces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from checkers.registry.membership_views import MembershipViews
from harness.client.codecs.members import MEMBERS, MembersCodec
from harness.generator import Context, reserve
from harness.workload.base import Workload
from harness.workload.registry import mixed_operation, read_operation, registry

VIEWS_PERCENT = 20


def membership(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for a cluster of these nodes and so many clients."""
    base = registry(nodes, concurrency)
    return replace(
        base,
        name="membership",
        codec=MembersCodec(),
        generator=reserve((math.ceil(concurrency / 2), mixed_or_view), default=read_or_view),
        checkers=(MembershipViews(), *base.checkers),
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
    return {"f": MEMBERS, "key": MEMBERS}
