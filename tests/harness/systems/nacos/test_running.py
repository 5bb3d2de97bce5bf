"""A cluster of Nacos that runs already, as a system: where its clients go, and which names they use."""

from __future__ import annotations

import asyncio
import importlib.util  # scripts are files, and no modules of a package
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from harness.client.clients import Site, completion_by
from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.systems.base import HasBounds, System
from harness.systems.loading import load_system
from history import Operation

SCRIPT = Path(__file__).parents[4] / "scripts" / "nacos_controls.py"


def module(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script as a module, which finds those next to it."""
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, made)
    spec.loader.exec_module(made)
    return made


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


@pytest.fixture
def cluster() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process
        process.kill()


def test_controls_begin_when_each_node_of_this_cluster_has_loaded(
    cluster: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controls = module(SCRIPT, monkeypatch)
    monkeypatch.setattr(controls, "LOAD_BOUND_S", 1.5)

    def loaded(run: str, *nodes: str, text: str = controls.LOADED) -> None:
        for node in nodes:
            log = tmp_path / run / "nodes" / node / "home/nacos/logs/protocol-distro.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f"begun\n{text}\n")

    loaded("2026-11-30T120000-a", "n1", "n2", "n3")
    before = set(tmp_path.glob("20*"))
    loaded("2026-11-30T120100-b", "n1", "n2")
    loaded("2026-11-30T120100-b", "n3", text="[DISTRO-INIT] load snapshot failed.")
    with pytest.raises(SystemExit, match=r"^1 nodes have not loaded"):
        controls.wait_until_loaded(cluster, before, tmp_path)
    loaded("2026-11-30T120100-b", "n3")
    controls.wait_until_loaded(cluster, before, tmp_path)


def test_a_registration_is_lost_if_all_nodes_show_an_older_one_or_none_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = module(SCRIPT.parent / "found" / "nacos_first_load.py", monkeypatch)
    hosts, views = ["a", "b"], dict[str, dict[str, int] | None]()
    monkeypatch.setattr(script, "shown", lambda host, _service: views[host])
    wanted = script.Wanted(time.monotonic(), "service", "10.1.0.1", 3)

    def lost(a: dict[str, int] | None, b: dict[str, int] | None, ago_s: float = 0) -> int:
        views.update(a=a, b=b)
        return len(script.lost(hosts, [wanted._replace(at=wanted.at - ago_s)]))

    ip = wanted.ip
    assert lost({ip: 2}, {}) == 1
    assert lost({ip: 2}, {ip: 3}) == 0, "one node has it: the other is late"
    assert lost({ip: 4}, {ip: 4}) == 0, "it was replaced"
    assert lost({}, None) == 0, "a node did not answer"
    assert lost({}, {}, ago_s=60) == 0, "it may have expired"
