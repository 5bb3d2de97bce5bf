"""A folder with one of each thing that commands take, and one short call of every command.

A command without a call here fails the tests of this folder, so a new one is held to what holds for all.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from ackproof.cli.main import cli
from tests import REPOSITORY

HISTORY = """\
{"process": 0, "type": "invoke", "f": "write", "value": 1}
{"process": 0, "type": "ok", "f": "write", "value": 1}
{"process": 1, "type": "invoke", "f": "read", "value": null}
{"process": 1, "type": "ok", "f": "read", "value": null}
"""
"""A register that lost its write."""
CELL = '[[cells]]\nworkload = "register"\nnodes = 3\ntime_limit_s = 2\nrate = 40\nseeds = 1\n'
SMALL = ("--nodes", "3", "--nemesis", "none", "--time-limit", "2")
FAILING = ("sim", "--seed", "4", "--mutant", "forgetful", "--nodes", "3", "--time-limit", "2")
NODE = REPOSITORY / "tests" / "harness" / "systems" / "maelstrom" / "nodes" / "node.py"
CORE = REPOSITORY / "docs" / "examples" / "lockstep" / "raft.py"


class Call(NamedTuple):
    """One short call of a command."""

    arguments: tuple[str, ...]
    code: int
    """How it ends."""


class Room:
    """The things, made once, and the calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "store"
        self.history = path / "history.jsonl"
        self.history.write_text(HISTORY, encoding="utf-8")
        self.proof, self.schedule, self.steps = (
            path / f"{name}.json" for name in ("proof", "small", "steps")
        )
        self.plan = path / "plan.toml"
        self.plan.write_text(CELL, encoding="utf-8")
        self.node = path / "plain"
        self.node.symlink_to(NODE)
        made = (
            (*FAILING, "--store", self.store),
            ("check", self.history, "--model", "register", "--certificate", self.proof),
            (*FAILING, "--shrink", self.schedule),
            ("explore", "--mutant", "half-is-a-majority", "--elections", "2", "--out", self.steps),
        )
        for arguments in made:
            done = CliRunner().invoke(cli, list(map(str, arguments)))
            assert done.exit_code == 1, (arguments, done.output, done.exception)
        self.run = (self.store / "latest").resolve()
        cell = ("campaign", "run", "--workload", "register", "--mutant", "forgetful", "--seeds", "1")
        shards = [
            CliRunner().invoke(
                cli, [*cell, "--stability", "0", "--jobs", "1", "--no-shrink", "--store", str(self.store)]
            )
        ]
        assert [done.exit_code for done in shards] == [1], shards[0].output
        [self.campaign] = self.store.glob("campaign-*")
        self.finding = _first_fingerprint(self.store)
        self.repository = path / "repository"
        _commit(self.repository)

    def calls(self) -> Mapping[str, Call]:
        """A short call of every command."""
        store = ("--store", str(self.store))
        run, history = str(self.run), str(self.history)
        own = ("--store", str(self.path / "own"))
        return {
            "run": Call(("run", *SMALL, "--seed", "3", "--minimum-acknowledged", "20", *own), 0),
            "analyze": Call(("analyze", run), 1),
            "maelstrom test": Call(
                (
                    *("maelstrom", "test", "-w", "echo", "--bin", str(self.node), "--node-count", "1"),
                    *("--time-limit", "2", "--rate", "50", "--seed", "7", *own),
                ),
                0,
            ),
            "maelstrom core": Call(("maelstrom", "core", "-w", "echo", "--bin", str(self.node)), 0),
            "sim": Call(("sim", "--seed", "1", *SMALL, *own), 0),
            "lockstep check": Call(
                ("lockstep", "check", "--seeds", "0", "--", sys.executable, "-I", str(CORE)), 0
            ),
            "cause": Call(("cause", str(self.schedule), "--seconds", "1"), 1),
            "replay": Call(("replay", str(self.schedule), *own), 1),
            "resimulate": Call(
                (
                    *("resimulate", run, "--seeds", "1", "--seconds", "5"),
                    *("--out", str(self.path / "resimulated.json"), *own),
                ),
                2,
            ),
            "explore": Call(("explore", "--max-states", "200"), 2),
            "mutants": Call(("mutants", "forgetful", "--jobs", "1", "--no-shrink", *own), 0),
            "campaign run": Call(("campaign", "run", str(self.plan), "--jobs", "1", *own), 0),
            "campaign merge": Call(("campaign", "merge", str(self.campaign), *own), 1),
            "findings": Call(("findings", *store), 0),
            "gate": Call(("gate", str(self.plan), "--no-real", "--seconds", "5", "--jobs", "1", *own), 0),
            "bisect": Call(
                (
                    *("bisect", self.finding, "--good", "HEAD~1", "--runs", "1", "--jobs", "1"),
                    *("--repository", str(self.repository), *store),
                ),
                2,
            ),
            "check": Call(("check", history, "--model", "register"), 1),
            "record": Call(
                (
                    *("record", "--model", "register", "--listen", "127.0.0.1:0", "--time-limit", "0.2"),
                    *own,
                ),
                2,
            ),
            "verify": Call(("verify", history, str(self.proof)), 0),
            "export": Call(("export", run, "--to", "edn", "--out", str(self.path / "history.edn")), 0),
            "runs": Call(("runs", *store), 0),
            "compare": Call(("compare", run, run), 0),
            "serve": Call(("serve", "--store", str(self.path / "none")), 255),
            "site": Call(("site", str(self.path / "pages"), *store), 0),
            "prune": Call(("prune", "--older-than", "9w", *store), 0),
            "systems": Call(("systems",), 0),
            "systems check": Call(("systems", "check", "maelstrom"), 255),
            "systems install": Call(("systems", "install", "--list"), 0),
            "hosts check": Call(("hosts", "check"), 0),
            "mcp": Call(("mcp", "--store", str(self.path / "none")), 255),
            "clean": Call(("clean", *own), 0),
        }

    def long_calls(self) -> Mapping[str, tuple[str, ...]]:
        """A call that works for some seconds or until it is ended, of every command that may."""
        run, history = str(self.run), str(self.history)
        own = ("--store", str(self.path / "own"))
        cell = ("--workload", "register", "--seeds", "50", "--jobs", "2", *own)
        return {
            "run": ("run", "--nodes", "3", "--nemesis", "kill", "--time-limit", "60", *own),
            "analyze": ("analyze", run),
            "maelstrom test": ("maelstrom", "test", "-w", "echo", "--bin", str(self.node), *own),
            "sim": ("sim", "--seed", "4", *own),
            "sim --seeds": ("sim", "--seeds", "300", "--jobs", "2", *own),
            "sim --shrink": (
                "sim",
                "--seed",
                "5",
                "--mutant",
                "acknowledge-early",
                "--shrink",
                f"{run}.json",
            ),
            "cause": ("cause", str(self.schedule), "--seconds", "30"),
            "replay": ("replay", str(self.schedule), *own),
            "replay finding": ("replay", self.finding, "--store", str(self.store), "--jobs", "2"),
            "resimulate": ("resimulate", run, "--out", str(self.path / "resimulated.json"), *own),
            "explore": ("explore", "--elections", "3", "--proposals", "2"),
            "mutants": ("mutants", "--jobs", "2", *own),
            "campaign run": ("campaign", "run", *cell),
            "gate": ("gate", "--seconds", "30", "--jobs", "2", *own),
            "check": ("check", history, "--model", "register"),
            "check -": ("check", "-", "--model", "register"),
            "record": ("record", "--model", "register", "--listen", "127.0.0.1:0", *own),
            "serve": ("serve", "--store", str(self.store), "--listen", "127.0.0.1:0"),
            "site": ("site", str(self.path / "pages"), "--store", str(self.store)),
            "systems": ("systems",),
            "systems check": ("systems", "check", "reference-node"),
            "lockstep check": ("lockstep", "check", "--", sys.executable, "-I", str(CORE)),
            "campaign merge": ("campaign", "merge", str(self.campaign), *own),
            "findings": ("findings", "--shrink", self.finding, "--store", str(self.store)),
            "bisect": (
                *("bisect", self.finding, "--good", "HEAD~1", "--jobs", "2"),
                *("--repository", str(self.repository), "--store", str(self.store)),
            ),
            "verify": ("verify", history, str(self.proof)),
            "export": ("export", run, "--to", "edn", "--out", str(self.path / "interrupted.edn")),
            "runs": ("runs", "--store", str(self.store)),
            "compare": ("compare", run, run),
            "prune": ("prune", "--older-than", "9w", "--store", str(self.store)),
            "hosts check": ("hosts", "check"),
            "clean": ("clean", *own),
        }


def _first_fingerprint(store: Path) -> str:
    from harness.campaign.findings.gathering import findings
    from harness.campaign.journal import stored_campaigns

    return findings(stored_campaigns(store), {})[0].fingerprint


def _commit(folder: Path) -> None:
    """A git repository of two commits."""
    folder.mkdir()
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for number in range(2):
        (folder / "file").write_text(str(number))
        for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", f"change {number}")):
            subprocess.run(["git", *words], cwd=folder, check=True)


def copied(room: Room, path: Path) -> Path:
    """A copy of the room's run, of which any file may be changed."""
    return Path(shutil.copytree(room.run, path))


ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
