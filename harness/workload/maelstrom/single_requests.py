"""Workloads `echo` and `unique-ids`: each request stands for itself, as Maelstrom has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.verdict import Checker
from checkers.workloads.echo import Echo
from checkers.workloads.elements.unique_ids import UniqueIds
from harness.client.data_types import ECHO, ID
from harness.generator import Context, GeneratorLike
from harness.workload.base import Workload
from harness.workload.final_reads import recover


def echo(nodes: Sequence[str], concurrency: int) -> Workload:
    """Clients send texts, and must get them back."""
    del nodes, concurrency  # all clients do the same
    return _workload("echo", ECHO, say, "echo", Echo())


def unique_ids(nodes: Sequence[str], concurrency: int) -> Workload:
    """Clients ask for ids, no two of which may be equal."""
    del nodes, concurrency  # all clients do the same
    return _workload("unique-ids", ID, generate, "generate", UniqueIds())


def _workload(name: str, data_type: str, request: GeneratorLike, f: str, checker: Checker) -> Workload:
    """The workload of one kind of request, which `recover` tries again in the end."""
    return Workload(
        name=name,
        data_type=data_type,
        generator=request,
        final=recover(request),
        checkers=Suite((checker,)) + cluster_checkers((f,)),
    )


def say(context: Context) -> dict[str, Any]:
    """A request with a text that no other one has."""
    return {"f": "echo", "value": f"Please echo {context.step}"}


def generate(context: Context) -> dict[str, Any]:
    """A request for an id."""
    del context  # all requests are the same
    return {"f": "generate"}
