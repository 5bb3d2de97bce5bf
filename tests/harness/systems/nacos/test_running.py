"""A cluster of Nacos that runs already, as a system: where its clients go, and which names they use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.client.clients import Site, completion_by
from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.systems.base import HasBounds, System
from harness.systems.loading import load_system
from history import Operation

SCRIPT = Path(__file__).parents[4] / "scripts" / "nacos_controls.py"


def running(**options: str) -> System:
    return load_system(f"{SCRIPT}:RunningNacos", {"system_options": options})


def test_a_client_asks_the_node_of_the_cluster_under_names_of_its_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, HttpRequest]] = []

    async def send(_self: HttpTransport, address: str, request: HttpRequest) -> HttpReply:
        asked.append((address, request))
        return HttpReply(200, {}, b"ok")

    monkeypatch.setattr(HttpTransport, "send", send)
    make = running(release="0.8.0", names="s7-").clients["stale-instance"]
    assert callable(make)
    idle = {name: {"client": f"127.0.0.1:{port}"} for name, port in (("n1", 1), ("n2", 2), ("n3", 3))}
    client = make(Site("n2", idle, process=0, timeout_s=1))
    register = Operation(0, 0, 0, "invoke", "register", "svc-0/10.0.0.1:80", "r1")
    done = asyncio.run(completion_by(client, register))
    [(address, request)] = asked
    assert (done.type, address) == ("ok", "10.77.0.2:8848")
    assert ("serviceName", "s7-svc-0") in request.query


def test_it_is_judged_as_nacos_is_and_an_unknown_option_is_refused() -> None:
    configs = running(release="3.1.0", data="configs")
    assert isinstance(configs, HasBounds)
    assert configs.bounds.settle_s == 40
    with pytest.raises(ValueError, match="'relase'"):
        running(relase="3.1.0")
