"""`ackproof mcp`, asked by the protocol's own client over standard input and output of a real process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

import ackproof
from ackproof.mcp.bounded import MOST_CHARACTERS
from ackproof.mcp.confined import ConfinedStore
from ackproof.mcp.tools import AgentTools
from tests import REPOSITORY

SCHEMA = json.loads((REPOSITORY / "docs" / "result.schema.json").read_text(encoding="utf-8"))
ETCD = REPOSITORY / "tests" / "corpora" / "porcupine" / "jepsen"
READING = {"runs", "report", "cause", "findings", "check"}
RUNNING = {"run", "replay"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a campaign that found a bug, and a run with a bug."""
    folder = tmp_path_factory.mktemp("mcp") / "store"
    cell = {"mutant": "forgetful", "workload": "register", "nodes": 3}
    ackproof.campaign({"cells": [cell], "seeds": 1, "stability": 0}, store=folder)
    ackproof.simulate(4, mutant="forgetful", time_limit_s=6, store=folder)
    return folder


def asked(store: Path, ask: Callable[[Any], Awaitable[None]], *options: str) -> None:
    """Start a server over a store, and ask it."""
    words = ["-m", "ackproof", "mcp", "--store", str(store), *options]

    async def body() -> None:
        async with asyncio.timeout(100):
            server = stdio_client(StdioServerParameters(command=sys.executable, args=words))
            async with Client(server) as client:
                await ask(client)

    asyncio.run(body())


async def answer(client: Any, tool: str, **arguments: object) -> dict[str, Any]:
    """What a tool answers."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    assert len(json.dumps(found)) <= MOST_CHARACTERS * 2  # the client's own spaces and escapes
    return found


async def refusal(client: Any, tool: str, **arguments: object) -> str:
    """Why a tool refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


def test_runs_are_listed_by_the_index_so_that_no_folder_is_read_twice(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = AgentTools(ConfinedStore(store), may_run=False)
    first = asyncio.run(tools.runs())

    def read_again(*_arguments: object) -> None:
        pytest.fail("a run's folder was read, although the index has it")

    monkeypatch.setattr("harness.store.reading.read_entry", read_again)
    assert asyncio.run(tools.runs()) == first
    assert first["runs"]


def test_an_agent_reads_runs_causes_reports_and_findings(store: Path) -> None:
    async def ask(client: Any) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == READING | RUNNING
        assert {tool.name for tool in tools if tool.annotations.read_only_hint} == READING
        assert all(tool.description and "Args:" in tool.description for tool in tools)

        listed = await answer(client, "runs", contains="registry")
        assert (listed["of"], listed["runs"][0]["validity"]) == (1, "invalid")
        name = listed["runs"][0]["folder"]
        assert listed["runs"][0]["why"]
        assert (await answer(client, "runs", verdict="valid"))["of"] == 0
        assert "did you mean 'invalid'" in await refusal(client, "runs", verdict="invalidd")
        cause = await answer(client, "cause", run=name)
        assert cause["validity"] == "invalid"
        assert cause["causes"][0]["evidence"][0]["title"]
        report = await answer(client, "report", run=name)
        Draft202012Validator(SCHEMA).validate(report)
        assert report["verdicts"][0]["checker"] == cause["causes"][0]["checker"]
        assert report["folder"] == str(store / name)
        one = await answer(client, "report", run=name, checker="stats")
        assert [verdict["checker"] for verdict in one["verdicts"]] == ["stats"]
        assert one["verdicts"][0]["measures"]

        found = await answer(client, "findings", limit=1)
        assert len(found["result"]) == 1
        assert found["next"][0].startswith(f"ackproof replay {found['result'][0]['fingerprint']}")

    asked(store, ask)


def test_an_agent_has_histories_of_the_store_judged(store: Path) -> None:
    for name in ("etcd_002.log", "etcd_040.log"):
        (store / name).write_bytes((ETCD / name).read_bytes())

    async def ask(client: Any) -> None:
        for path, validity in (("etcd_002.log", "valid"), ("etcd_040.log", "invalid")):
            judged = await answer(client, "check", path=path, model="cas-register")
            Draft202012Validator(SCHEMA).validate(judged)
            assert judged["validity"] == validity
        assert (await answer(client, "check", path="latest", model="registry"))["result"]
        assert "did you mean 'registry'" in await refusal(client, "check", path="latest", model="registri")
        assert "1 to 900 are allowed" in await refusal(
            client, "check", path="latest", model="registry", seconds=10_000
        )

    asked(store, ask)


def test_without_allow_runs_nothing_runs_and_nothing_outside_is_read(store: Path) -> None:
    before = sorted(store.rglob("*"))

    async def ask(client: Any) -> None:
        for tool, arguments in (("run", {}), ("replay", {"finding": "0a1b2c3d4e"})):
            assert "--allow-runs" in await refusal(client, tool, **arguments)
        assert "outside the store" in await refusal(client, "report", run="../..")
        assert "outside the store" in await refusal(client, "check", path="/etc/passwd", model="register")
        assert "the tool `runs` lists" in await refusal(client, "cause", run="nothing")
        assert "unknown checker" in await refusal(client, "report", checker="linearisability")

    asked(store, ask)
    assert sorted(store.rglob("*")) == before


@pytest.mark.campaign
def test_an_argument_that_a_tool_does_not_have_is_refused_and_no_other_run_is_answered_for(
    store: Path,
) -> None:
    async def ask(client: Any) -> None:
        for tool in READING | RUNNING:
            assert "Extra inputs are not permitted" in await refusal(client, tool, fiel="latest")
        listed = (await client.list_tools()).tools
        assert [tool.input_schema["additionalProperties"] for tool in listed] == [False] * len(listed)

    asked(store, ask)


def test_with_allow_runs_an_agent_runs_tests_one_at_a_time(store: Path) -> None:
    async def ask(client: Any) -> None:
        small = {"nodes": 3, "nemesis": "none", "time_limit_s": 3, "seed": 7}
        both = await asyncio.gather(
            *(client.call_tool("run", {**small, "mutant": "forgetful"}) for _ in range(2))
        )
        assert sorted(one.is_error for one in both) == [False, True]
        assert "another test goes on" in str(next(one.content for one in both if one.is_error))
        run = next(one.structured_content for one in both if not one.is_error)
        Draft202012Validator(SCHEMA).validate(run)
        assert (run["seed"], Path(run["folder"]).parent) == (7, store)

        fingerprint = (await answer(client, "findings"))["result"][0]["fingerprint"]
        again = await answer(client, "replay", finding=fingerprint)
        assert again["result"]["answer"] == "STILL FAILS"

        assert "unknown system" in await refusal(client, "run", world="local", system="evil.py:System")
        assert "only the reference node" in await refusal(client, "run", system="etcd")
        assert "is no name" in await refusal(client, "run", workload="cas\n--store=/tmp")
        assert "is no name" in await refusal(client, "run", workload="--store=/")
        assert "unknown workload" in await refusal(client, "run", workload="store")
        assert "no fingerprint" in await refusal(client, "replay", finding="../small.json")

    asked(store, ask, "--allow-runs")


def test_a_test_ends_with_the_agent_that_asked_for_it(store: Path) -> None:
    def going() -> bool:
        """Whether a process works on this store for the server."""
        lines = subprocess.run(
            ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
        ).stdout
        return any(f"--store={store}" in line for line in lines.splitlines())

    async def ask(client: Any) -> None:
        task = asyncio.create_task(client.call_tool("run", {"time_limit_s": 900, "nodes": 5}))
        while not going():  # noqa: ASYNC110 - it is a process of another
            await asyncio.sleep(0.1)
        task.cancel()

    asked(store, ask, "--allow-runs")
    until = time.monotonic() + 60
    while going() and time.monotonic() < until:
        time.sleep(0.2)
    assert not going()


def test_without_the_sdk_the_command_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['ackproof', 'mcp', '--store', sys.argv[1]]\n"
        "from ackproof.cli.entry import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 255
    assert "pip install 'ackproof[mcp]'" in done.stderr


def test_a_store_that_is_not_there_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ackproof", "mcp", "--store", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 255
    assert "there is no store" in done.stderr
