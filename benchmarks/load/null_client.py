"""A run against a client that answers at once, from a register in memory: the harness's own cost alone.

It is the path of a real run: the generator, the interpreter, the loop in real time, and the history that is
written line by line; only the system under test and the way to it are missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from harness import generator as gen
from harness.drivers.asyncio_driver import drive
from harness.interpreter.interpreter import Interpreter
from harness.nemesis import FINAL_HEAL
from harness.workload import workload
from history import Operation
from history.nemesis import NemesisCompletion

NODES = ("n1", "n2", "n3", "n4", "n5")
WORKLOAD = "register"


def run_null(clients: int, operations: int, record: Callable[[Operation], Any]) -> float:
    """Carry out this many operations (each an invocation and a completion), and the
    final reads of the workload; the processor time in seconds."""
    work = workload(WORKLOAD, NODES, clients)
    heal = gen.nemesis({"f": FINAL_HEAL})
    main = gen.phases(gen.clients(gen.limit(operations, work.generator)), heal, work.final)
    interpreter = Interpreter(main, threads=clients, nodes=NODES, seed=1)
    registers: dict[str | None, str] = {}

    async def perform(operation: Operation) -> Operation:
        if not operation.is_client:
            return replace(operation, type="info", value=NemesisCompletion().stored())
        if operation.f == "write":
            registers[operation.key] = operation.value
            return replace(operation, type="ok")
        return replace(operation, type="ok", value=registers.get(operation.key))

    begin = time.monotonic_ns()
    used = time.process_time()
    asyncio.run(
        drive(
            interpreter,
            perform=perform,
            record=record,
            clock=lambda: time.monotonic_ns() - begin,
            log=lambda _: None,
        )
    )
    return time.process_time() - used
