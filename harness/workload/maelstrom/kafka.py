"""Workload `kafka`: clients send messages to logs, and read on from where readers came to.

A client that was assigned logs reads on from the offsets that readers have committed, or from the first one,
and commits how far it read. Once all was quiet, each log is read whole from every node. It is
Maelstrom's workload of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.message_logs.checker import MessageLog
from checkers.workloads.message_logs.logs import ASSIGN, FINAL_POLL, POLL, SEND
from checkers.workloads.replicas.settled import SETTLE_S
from harness.client.data_types import MESSAGE_LOG
from harness.generator import Context, phases, sleep
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node, recover
from harness.workload.general.windows import Window
from history.units import SECOND_NS

KEYS = Window("log", width=4, operations_per_slide=100)
WRITES = (SEND,)
SENDS_PERCENT, ASSIGNS_PERCENT = 45, 10
FROM_THE_START_PERCENT = 20
"""Of the assignments."""
QUIET_NS = round((SETTLE_S + 1) * SECOND_NS)
"""How long nothing is asked before the final reads: longer than `message-log` waits."""


def kafka(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="kafka",
        data_type=MESSAGE_LOG,
        generator=send_poll_or_assign,
        final=phases(recover(first_send), sleep(QUIET_NS), on_every_node(nodes, KEYS.until, (FINAL_POLL,))),
        checkers=Suite((MessageLog(),)) + cluster_checkers(WRITES),
    )


def send_poll_or_assign(context: Context) -> dict[str, Any]:
    """A drawn operation; `context.step` makes the message unique."""
    drawn = context.draw.below(100, "f")
    if drawn < SENDS_PERCENT:
        return {"f": SEND, "key": KEYS.drawn(context), "value": context.step}
    if drawn < SENDS_PERCENT + ASSIGNS_PERCENT:
        newest = KEYS.count(context.step)
        keys = [KEYS.key(number) for number in range(newest - KEYS.width, newest)]
        from_start = context.draw.below(100, "from") < FROM_THE_START_PERCENT
        return {"f": ASSIGN, "value": {"keys": keys, "from": "start" if from_start else "committed"}}
    return {"f": POLL}


def first_send(context: Context) -> dict[str, Any]:
    """A message that shows that messages are acknowledged again."""
    return {"f": SEND, "key": KEYS.drawn(context), "value": context.step}
