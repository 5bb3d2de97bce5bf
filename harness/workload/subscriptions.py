"""Workload `subscriptions`: as `registry`, but clients also wait for services to change.

A subscription is a list that the node keeps back until the service changes, or the client's time is over. In
a service that changes all the time it is answered at once. So there are also two quiet services, which change
every second or so: a subscriber that a node forgets waits there until the next change, and the checker
`subscriptions` sees it. Only the clients that only read subscribe, as one that waits does nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from checkers.check_all import Suite
from checkers.registry.subscriptions import Subscriptions
from harness.client.data_types import SUBSCRIBE, SUBSCRIPTION
from harness.generator import Context, Generator, clients, delay, limit, on_threads, phases
from harness.generator import any as side_by_side
from harness.workload.base import Workload
from harness.workload.final_reads import FINAL_LIST, FINAL_LOCAL, on_every_node, recover
from harness.workload.registry import (
    each_kind,
    first_write,
    mixed_operation,
    read_operation,
    registry,
    services_until,
)
from harness.workload.sharing import half_only_read
from history.units import MILLISECOND_NS

QUIET_SERVICES = ("quiet-0", "quiet-1")
INSTANCES_OF_ONE = 3
QUIET_WRITES_PERCENT = 8
"""Of the operations of the clients that write: with 20 to 100 operations a second, and half of the clients
that write, a quiet service changes every 0.5 to 2.5 s."""
SUBSCRIPTIONS_PERCENT = 35
"""Of the operations of the clients that only read."""
QUIET_SUBSCRIPTIONS_PERCENT = 60
WAITS_MS = (300, 1000, 3000)
LAST_SUBSCRIPTIONS, LAST_WRITES, LAST_PAUSE_NS = 4, 12, 200 * MILLISECOND_NS
"""Of the client that subscribes, and of the one that writes, once all is healed: the writes go on longer."""


def subscriptions(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    base = registry(nodes, concurrency)
    return replace(
        base,
        name="subscriptions",
        data_type=SUBSCRIPTION,
        generator=half_only_read(concurrency, mixed_or_quiet, read_or_subscribe),
        final=phases(
            recover(first_write, *each_kind(), _until_its_time),
            _woken(concurrency),
            on_every_node(nodes, _services_until, (FINAL_LIST, FINAL_LOCAL)),
        ),
        checkers=Suite((Subscriptions(),)) + base.checkers,
    )


def mixed_or_quiet(context: Context) -> dict[str, Any]:
    """Any operation of the registry, or a registration in a quiet service."""
    if context.draw.below(100, "quiet") >= QUIET_WRITES_PERCENT:
        return mixed_operation(context)
    return _quiet_write(context)


def read_or_subscribe(context: Context) -> dict[str, Any]:
    """A read of the registry, or a subscription, mostly of a quiet service."""
    draw, other = context.draw, read_operation(context)
    if draw.below(100, "subscribe") >= SUBSCRIPTIONS_PERCENT:
        return other
    is_quiet = draw.below(100, "quiet") < QUIET_SUBSCRIPTIONS_PERCENT
    service = draw.choose(QUIET_SERVICES, "service") if is_quiet else str(other["key"]).partition("/")[0]
    return {"f": SUBSCRIBE, "key": service, "value": draw.choose(WAITS_MS, "wait")}


def _quiet_write(context: Context) -> dict[str, Any]:
    number = context.draw.below(INSTANCES_OF_ONE, "instance")
    key = f"{context.draw.choose(QUIET_SERVICES, 'service')}/10.1.0.{number + 1}:8080"
    return {"f": "register", "key": key, "value": f"r{context.step}"}


def _until_its_time(_context: Context) -> dict[str, Any]:
    """A subscription that ends by its time, as nothing changes meanwhile."""
    return {"f": SUBSCRIBE, "key": QUIET_SERVICES[0], "value": WAITS_MS[0]}


def _until_a_change(_context: Context) -> dict[str, Any]:
    return {"f": SUBSCRIBE, "key": QUIET_SERVICES[0], "value": WAITS_MS[-1]}


def _woken(concurrency: int) -> Generator:
    """One client subscribes while another one writes: where no service changed at the right time before,
    the run still shows that subscribers are answered."""
    waits = on_threads((0,), limit(LAST_SUBSCRIPTIONS, _until_a_change))
    if concurrency == 1:
        return clients(limit(1, _until_its_time))
    writes = on_threads((1,), delay(LAST_PAUSE_NS, limit(LAST_WRITES, _quiet_write)))
    return clients(side_by_side(waits, writes))


def _services_until(step: int) -> tuple[str, ...]:
    return (*services_until(step), *QUIET_SERVICES)
