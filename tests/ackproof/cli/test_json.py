"""Every command prints one JSON object of one shape with --json, and docs/result.schema.json describes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from ackproof.cli.main import cli
from ackproof.cli.output.failing import command_of, lines_in
from ackproof.results import CommandResult
from tests import REPOSITORY

SCHEMA = json.loads((REPOSITORY / "docs" / "result.schema.json").read_text(encoding="utf-8"))
PAGE = (REPOSITORY / "docs" / "json.md").read_text(encoding="utf-8")
ETCD = REPOSITORY / "tests" / "corpora" / "porcupine" / "jepsen" / "etcd_002.log"
SMALL = ("--nodes", "3", "--nemesis", "none", "--time-limit", "2")


def commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command that does something: `run`, `hosts check`, ..."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}".strip())


COMMANDS = dict(commands(cli))
WITHOUT = {"maelstrom core", "mcp", "serve"}
"""Commands without a result: servers, and a core that the simulator asks."""


def judged(*arguments: object) -> dict[str, Any]:
    """What a command prints with --json, once the schema accepts it."""
    done = CliRunner().invoke(cli, [*map(str, arguments), "--json"])
    found: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(found)
    assert found["exit_code"] == done.exit_code
    return found


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - WITHOUT))
def test_every_command_has_json_and_a_place_in_the_schema(path: str) -> None:
    assert any("--json" in option.opts for option in COMMANDS[path].params), path
    known = [case["if"]["properties"]["command"]["const"] for case in SCHEMA["allOf"]]
    assert path in known, "scripts/schema.py does not know what this command's `result` holds"
    assert re.search(rf"`{path.split()[0]}[ `]", PAGE)


def test_a_run_of_another_system_says_its_version(tmp_path: Path) -> None:
    judged("sim", "--seed", 1, *SMALL, "--store", tmp_path)
    about = (tmp_path / "latest").resolve() / "test.json"
    facts = json.loads(about.read_text())
    facts["system"], facts["versions"]["kettle"] = "kettle", "2.10"
    about.write_text(json.dumps(facts))
    assert judged("analyze", about.parent)["versions"]["kettle"] == "2.10"
    shown = CliRunner().invoke(cli, ["analyze", str(about.parent)]).stdout
    assert "\nSystem    kettle, version 2.10\n" in shown


def test_the_page_has_every_key() -> None:
    assert [key for key in CommandResult.__struct_fields__ if f"`{key}`" not in PAGE] == []
    assert SCHEMA["$defs"]["CommandResult"]["properties"].keys() == set(CommandResult.__struct_fields__)


def test_one_judged_run_is_described_from_the_seed_to_the_report(tmp_path: Path) -> None:
    found = judged("sim", "--seed", 4, "--mutant", "forgetful", "--time-limit", 6, "--store", tmp_path)
    folder = (tmp_path / "latest").resolve()
    assert (found["command"], found["validity"], found["seed"]) == ("sim", "invalid", 4)
    assert (found["folder"], found["report"]) == (str(folder), str(folder / "report.html"))
    assert found["system"] == "reference-node"
    assert found["versions"].keys() >= {"ackproof", "python"}
    assert found["times"]["took_s"] > 0
    assert found["next"][-1] == f"ackproof analyze {folder}"
    assert any(verdict["evidence"] for verdict in found["verdicts"] if verdict["validity"] == "invalid")
    again = judged("analyze", folder)
    assert (again["verdicts"], again["marks"]) == (found["verdicts"], found["marks"])


def test_each_simulating_command_keeps_to_the_schema(tmp_path: Path) -> None:
    many = judged("sim", "--seeds", 1, *SMALL, "--jobs", 1, "--store", tmp_path)
    assert (many["validity"], many["result"]["seeds"]) == (many["result"]["validity"], 1)
    small = tmp_path / "small.json"
    shrunk = judged("sim", "--seed", 5, "--mutant", "acknowledge-early", "--shrink", small)
    assert (shrunk["validity"], shrunk["next"]) == ("invalid", [f"ackproof replay {small}"])
    assert judged("replay", small, "--store", tmp_path)["validity"] == "invalid"
    assert judged("explore", "--max-states", 50)["validity"] == "unknown"
    listed = judged("mutants", "--list", "forgetful")
    assert (listed["validity"], listed["result"][0]["name"]) == (None, "forgetful")


def test_campaigns_and_findings_keep_to_the_schema(tmp_path: Path) -> None:
    cell = ("--workload", "register", "--mutant", "forgetful", "--seeds", "2", "--stability", "0")
    campaign = judged("campaign", *cell, "--jobs", 1, "--store", tmp_path)
    assert (campaign["command"], campaign["validity"]) == ("campaign run", "invalid")
    assert campaign["folder"] == campaign["result"]["summary"]["folder"]
    found = judged("findings", "--store", tmp_path)
    assert (found["validity"], found["exit_code"]) == (None, 0)
    assert found["next"] == campaign["next"]
    assert found["next"][0].startswith(f"ackproof replay {found['result'][0]['fingerprint']}")


def test_what_judges_histories_keeps_to_the_schema(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    found = judged("check", ETCD, "--model", "cas-register", "--certificate", proof)
    assert (found["validity"], len(found["verdicts"])) == ("valid", 1)
    assert found["verdicts"][0] == found["result"][0]["verdict"]
    assert judged("verify", ETCD, proof)["validity"] == "valid"
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n")
    refused = judged("check", broken, "--model", "register")
    assert (refused["exit_code"], refused["validity"], refused["verdicts"]) == (255, None, [])


def test_what_looks_after_machines_keeps_to_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert judged("systems")["result"]
    assert judged("systems", "install", "--list")["validity"] is None
    assert judged("hosts", "check")["result"][0]["host"] == "this machine"
    assert judged("clean", "--store", tmp_path)["result"] == {"removed": [], "left_elsewhere": []}


@pytest.mark.parametrize(
    ("arguments", "code", "error", "next_"),
    [
        (("sim", "--seed", "x"), 254, "not a valid integer", ["ackproof sim --help"]),
        (("campaign", "merge"), 254, "Missing argument", ["ackproof campaign merge --help"]),
        (("findings", "--store", "nowhere"), 255, "there is no store nowhere", ["ackproof campaign run"]),
        (("simm",), 254, "did you mean 'sim'", ["ackproof --help"]),
    ],
)
def test_an_error_is_an_object_too(
    arguments: tuple[str, ...], code: int, error: str, next_: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ackproof", *arguments, "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(found)
    assert (done.returncode, found["exit_code"], found["validity"]) == (code, code, None)
    assert error in found["error"]
    assert error in done.stderr
    assert found["next"] == next_


def test_the_lines_to_paste_are_taken_from_a_message() -> None:
    message = "cannot go on; make room, then: ackproof campaign run --resume store/c-1"
    assert lines_in(message) == ("ackproof campaign run --resume store/c-1",)
    assert lines_in("run `ackproof systems install etcd`, or else not") == ("ackproof systems install etcd",)
    assert lines_in("ackproof itself is wrong") == ()
    assert command_of(["campaign", "run", "--x"]) == "campaign run"
    assert command_of(["check", "merge"]) == "check"
    assert command_of(["--json"]) == ""


def test_a_type_of_another_shape_is_not_accepted() -> None:
    """The schema says something."""
    found = judged("mutants", "--list", "forgetful")
    for change in ({"exit_code": "0"}, {"validity": "fine"}, {"ackproof_result": 2}, {"command": "clean"}):
        assert not Draft202012Validator(SCHEMA).is_valid({**found, **change}), change
