"""A shell offers the names of commands, workloads, faults, systems and seeded bugs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from tests import REPOSITORY
from tests.ackproof.cli.test_json import COMMANDS

ACKPROOF = Path(sys.executable).with_name("ackproof")
PAGE = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
CASES = [
    ("ackproof ru", {"run", "runs"}),
    ("ackproof run --workload registr", {"registry"}),
    ("ackproof run --nemesis kill,partit", {"kill,partition"}),
    ("ackproof sim --nemesis pau", {"pause"}),
    ("ackproof sim --mutant vote-tw", {"vote-twice"}),
    ("ackproof mutants vote-tw", {"vote-twice"}),
    ("ackproof run --system zookee", {"zookeeper"}),
    ("ackproof systems check zookee", {"zookeeper"}),
    ("ackproof systems install zookee", {"zookeeper"}),
    ("ackproof check --model cas-reg", {"cas-register"}),
    ("ackproof campaign run --canary vote-tw", {"vote-twice"}),
]
OFFERED = {
    "--workload": {"run", "sim", "lockstep check", "campaign run", "maelstrom test"},
    "--nemesis": {"run", "sim", "campaign run", "maelstrom test"},
    "--mutant": {"run", "sim", "explore", "campaign run"},
    "--system": {"run", "campaign run"},
    "--model": {"check", "record"},
}
"""Which commands have an option whose value is a name of ours."""


@pytest.mark.parametrize(
    ("words", "offered"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_shell_offers_the_names_that_begin_so(
    words: str, offered: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    done = CliRunner().invoke(
        cli, [], prog_name="ackproof", complete_var="ASKED", env={"ASKED": "bash_complete"}
    )
    assert done.exit_code == 0
    assert {line.removeprefix("plain,") for line in done.output.split()} == offered


@pytest.mark.parametrize("option", OFFERED)
def test_every_option_that_takes_a_name_of_ours_offers_it(option: str) -> None:
    found = {
        name: parameter
        for name, command in COMMANDS.items()
        for parameter in command.params
        if option in parameter.opts
    }
    assert OFFERED[option] <= found.keys()
    for name, parameter in found.items():
        if name in OFFERED[option]:
            context = click.Context(COMMANDS[name])
            assert parameter.shell_complete(context, ""), f"{name} {option}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_the_page_makes_a_shell_complete(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here")
    line = next(line for line in PAGE.splitlines() if f"{shell}_source" in line and "ACKPROOF" in line)
    environment = {"PATH": f"{ACKPROOF.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    asks = {
        "bash": f"{line}\nCOMP_WORDS=(ackproof ru) COMP_CWORD=1\n_ackproof_completion ackproof\n"
        'printf "%s\\n" "${COMPREPLY[@]}"',
        "zsh": f"autoload -U compinit; compinit -u -d {tmp_path}/dump\n{line}\n"
        'compadd() { print -l "$@" }; _describe() { for one in ${(P)3}; do print "${one%%:*}"; done }\n'
        "words=(ackproof ru); CURRENT=2; _ackproof_completion",
        "fish": f'{line}\ncomplete --do-complete "ackproof ru"',
    }
    done = subprocess.run(
        [program, *(["-f"] if shell == "zsh" else []), "-c", asks[shell]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    offered = {line.split("\t")[0].strip() for line in done.stdout.splitlines()}
    assert {"run", "runs"} <= offered, done.stdout + done.stderr
