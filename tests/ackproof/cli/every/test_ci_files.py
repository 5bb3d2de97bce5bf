"""Every command that judges writes JUnit, CTRF, Markdown, annotations and JSON, which agree on the verdict.

A new command either says here that it judges nothing, or has all of them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from ackproof.cli.main import COMMANDS as LISTED
from ackproof.cli.main import cli
from tests import REPOSITORY
from tests.ackproof.cli.every.room import Room
from tests.ackproof.cli.output.test_for_ci import OPTIONS, Files
from tests.ackproof.cli.test_json import COMMANDS, SCHEMA

JUDGE_NOTHING = frozenset(
    {
        *("bisect", "clean", "compare", "export", "findings", "hosts check", "lockstep check", "mcp"),
        "maelstrom core",
        *("prune", "runs", "serve", "site", "systems", "systems check", "systems install"),
    }
)
"""Their exit code says whether they did their work."""
JUDGING = sorted(set(COMMANDS) - JUDGE_NOTHING)
LONG = frozenset({"run", "maelstrom test"})
OF_ONE_RUN = frozenset({"run", "analyze", "maelstrom test", "record", "replay", "sim"})
"""Their call judges one run, which has a folder with a report."""


@pytest.mark.parametrize("name", JUDGING)
def test_a_command_that_judges_has_every_option(name: str) -> None:
    names = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert names >= {*OPTIONS, "--json"}


def judging_files() -> Iterator[str]:
    """Each command's file that ends with a judgement, by the calls in it."""
    for path in sorted((REPOSITORY / "ackproof" / "cli" / "commands").glob("*/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                says_not = any(word.arg == "judges" for word in node.keywords)
                if node.func.id.endswith("_and_finish") or (node.func.id == "finish" and not says_not):
                    yield path.stem


def test_no_command_that_judges_is_taken_for_one_that_does_not() -> None:
    with_judgement = set(judging_files())
    assert with_judgement == {name.split()[0] for name in JUDGING}
    assert with_judgement <= set(LISTED)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=(pytest.mark.campaign,) if name in LONG else ()) for name in JUDGING],
)
def test_every_file_for_ci_says_what_the_exit_code_says(
    name: str, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    call, files = room.calls()[name], Files(tmp_path)
    done = CliRunner().invoke(cli, [*call.arguments, *files.arguments, "--github", "--json"])
    assert done.exit_code == call.code, done.output
    passed, bad, _ = files.counts()
    assert (bad == 0) is (call.code == 0)
    assert passed or bad
    annotated = [line for line in done.stderr.splitlines() if line.startswith("::error ")]
    assert bool(annotated) is (call.code != 0)
    found = json.loads(done.stdout.splitlines()[-1])
    Draft202012Validator(SCHEMA).validate(found)
    assert (found["command"], found["exit_code"]) == (name, call.code)
    assert found["validity"] == ("valid", "invalid", "unknown")[call.code]
    assert found["times"]["took_s"] >= 0
    assert found["versions"].keys() >= {"ackproof", "python"}
    if name in OF_ONE_RUN:
        assert all(found[key] for key in ("folder", "report", "verdicts", "marks", "required")), name
        assert Path(found["report"]).is_file()
    assert found["next"] or call.code != 1 or name == "check", "check has all it knows in its evidence"
