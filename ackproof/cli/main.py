"""The list of commands. A command's file is loaded when it is called, so `ackproof --help` is quick."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from ackproof.cli.output.exits import Exit
from ackproof.clock import CLOCK, Clock
from harness.errors import unknown_name


class CommandEntry(NamedTuple):
    """One line of the list of commands."""

    section: str
    summary: str
    """What the command is for: the first line of its own help, too."""
    load: Callable[[], click.Command]


class LazyGroup(click.Group):
    """A click group that knows its commands by name and loads the one that is called."""

    def __init__(self, *arguments: Any, entries: Mapping[str, CommandEntry], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """All names, in the list's order."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command; None if there is none of this name."""
        entry = self.entries.get(cmd_name)
        command = None if entry is None else entry.load()
        gc.enable()  # `entry.program` turns it off, as nothing that is loaded is garbage
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but a wrong name is answered with the nearest one."""
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            ctx.fail(unknown_name("command", name, self.entries))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click's, which takes a broken pipe of any kind for a reader that went away, and exits with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            self._failed(ctx, "a connection broke")
            raise RuntimeError("a connection broke where nothing expected it") from error
        except KeyboardInterrupt:
            self._failed(ctx, "interrupted")
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except click.ClickException as error:
            self._failed(ctx, error.format_message(), Exit.USAGE)
            raise
        except Exception as error:  # raised again: CI servers must see each failure, whatever it is
            self._failed(ctx, str(error) or type(error).__name__)
            raise

    def _failed(self, ctx: click.Context, message: str, code: Exit = Exit.COULD_NOT_RUN) -> None:
        """Let CI servers see that the command could not do its work."""
        from ackproof.cli.output.for_ci import write_failure_for_ci  # here, since the help needs none of it

        write_failure_for_ci(ctx, ctx.invoked_subcommand or "", message, code)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands by section, each with its summary."""
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            rows = [(name, entry.summary) for name, entry in self.entries.items() if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


def _run() -> click.Command:
    from ackproof.cli.commands.testing.run import run

    return run


def _analyze() -> click.Command:
    from ackproof.cli.commands.testing.analyze import analyze

    return analyze


def _check() -> click.Command:
    from ackproof.cli.commands.judging.check import check

    return check


def _maelstrom() -> click.Command:
    from ackproof.cli.commands.testing.maelstrom import maelstrom

    return maelstrom


def _sim() -> click.Command:
    from ackproof.cli.commands.simulating.sim import sim

    return sim


def _cause() -> click.Command:
    from ackproof.cli.commands.simulating.cause import cause

    return cause


def _lockstep() -> click.Command:
    from ackproof.cli.commands.simulating.lockstep import lockstep

    return lockstep


def _resimulate() -> click.Command:
    from ackproof.cli.commands.simulating.resimulate import resimulate

    return resimulate


def _replay() -> click.Command:
    from ackproof.cli.commands.simulating.replay import replay

    return replay


def _explore() -> click.Command:
    from ackproof.cli.commands.simulating.explore import explore

    return explore


def _mutants() -> click.Command:
    from ackproof.cli.commands.simulating.mutants import mutants

    return mutants


def _campaign() -> click.Command:
    from ackproof.cli.commands.campaigns.campaign import campaign

    return campaign


def _findings() -> click.Command:
    from ackproof.cli.commands.campaigns.findings import findings

    return findings


def _gate() -> click.Command:
    from ackproof.cli.commands.campaigns.gate import gate

    return gate


def _bisect() -> click.Command:
    from ackproof.cli.commands.campaigns.bisect import bisect

    return bisect


def _record() -> click.Command:
    from ackproof.cli.commands.judging.record import record

    return record


def _verify() -> click.Command:
    from ackproof.cli.commands.judging.verify import verify

    return verify


def _export() -> click.Command:
    from ackproof.cli.commands.judging.export import export

    return export


def _runs() -> click.Command:
    from ackproof.cli.commands.storing.runs import runs

    return runs


def _compare() -> click.Command:
    from ackproof.cli.commands.storing.compare import compare

    return compare


def _serve() -> click.Command:
    from ackproof.cli.commands.storing.serve import serve

    return serve


def _site() -> click.Command:
    from ackproof.cli.commands.storing.site import site

    return site


def _prune() -> click.Command:
    from ackproof.cli.commands.storing.prune import prune

    return prune


def _hosts() -> click.Command:
    from ackproof.cli.commands.machines.hosts import hosts

    return hosts


def _systems() -> click.Command:
    from ackproof.cli.commands.machines.systems import systems

    return systems


def _mcp() -> click.Command:
    from ackproof.cli.commands.machines.mcp import mcp

    return mcp


def _clean() -> click.Command:
    from ackproof.cli.commands.machines.clean import clean

    return clean


REAL, SIMULATED, MANY, RECORDED, STORED, MACHINES = (
    "Test real processes",
    "Test in a simulated world",
    "Test again and again",
    "Judge recorded histories",
    "Look at all runs",
    "Machines",
)

COMMANDS: Mapping[str, CommandEntry] = {
    "run": CommandEntry(
        REAL, "Start a cluster, run clients against it, inject faults, and judge the run.", _run
    ),
    "analyze": CommandEntry(REAL, "Judge a stored run again.", _analyze),
    "maelstrom": CommandEntry(REAL, "Test programs that speak Maelstrom's protocol.", _maelstrom),
    "sim": CommandEntry(SIMULATED, "Run the test in virtual time, from one seed or from many.", _sim),
    "lockstep": CommandEntry(SIMULATED, "Help those who write a core for the simulated world.", _lockstep),
    "cause": CommandEntry(SIMULATED, "Say what brought a failing run's violation about.", _cause),
    "replay": CommandEntry(
        SIMULATED, "Repeat a failure from a file, or say whether a finding is FIXED.", _replay
    ),
    "resimulate": CommandEntry(
        SIMULATED,
        "Look for a real run's violation in the simulated world, where it can be repeated.",
        _resimulate,
    ),
    "explore": CommandEntry(SIMULATED, "Try every behaviour of the Raft core within small bounds.", _explore),
    "mutants": CommandEntry(SIMULATED, "Show that the checkers catch each of the seeded bugs.", _mutants),
    "campaign": CommandEntry(MANY, "Run many tests under many seeds, and keep every result.", _campaign),
    "findings": CommandEntry(MANY, "List what campaigns found, what to look at first on top.", _findings),
    "gate": CommandEntry(
        MANY, "Say whether a change may be merged: no new finding, and enough was tried.", _gate
    ),
    "bisect": CommandEntry(MANY, "Search a git history for the commit that brought in a finding.", _bisect),
    "check": CommandEntry(RECORDED, "Judge histories that any tool recorded.", _check),
    "record": CommandEntry(RECORDED, "Record what a client of your own does, and judge it.", _record),
    "verify": CommandEntry(RECORDED, "Check the proof that came with a verdict.", _verify),
    "export": CommandEntry(RECORDED, "Write a run's history for another tool to judge.", _export),
    "runs": CommandEntry(STORED, "List the runs of a store, the newest first.", _runs),
    "compare": CommandEntry(STORED, "Say what two runs do not have in common.", _compare),
    "serve": CommandEntry(STORED, "Show all runs of a store in a browser, until Ctrl-C.", _serve),
    "site": CommandEntry(
        STORED, "Write the pages over all runs of a store as files, for a CI job to keep.", _site
    ),
    "prune": CommandEntry(STORED, "Remove old runs of a store, by age and by size.", _prune),
    "systems": CommandEntry(
        MACHINES, "List the systems that can be tested, bring them, or try one out.", _systems
    ),
    "hosts": CommandEntry(MACHINES, "Show which faults a host can have, and what it lacks.", _hosts),
    "mcp": CommandEntry(MACHINES, "Offer runs and findings to a coding agent.", _mcp),
    "clean": CommandEntry(MACHINES, "Remove what runs that were killed left behind.", _clean),
}


@click.command(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(None, "-V", "--version", package_name="ackproof", prog_name="ackproof")
def cli() -> None:
    """Test whether a replicated system keeps its promises while parts of it fail.

    Ackproof starts the nodes of a system, lets clients work on it, injects faults (kills nodes, cuts the
    network, ...), and records every operation. Checkers then look for violations in the record: an
    acknowledged write that was lost, a read of an old value, two leaders in one term. The result is an exit
    code, and a report to open in a browser: store/latest/report.html.

    \b
    Start here:
        ackproof run                      five local nodes, kills and partitions, 30 s
        ackproof run --mutant forgetful   the same with a seeded bug: see what a violation looks like
        ackproof run --system my.py:Mine  the same against a system of your own
        ackproof sim --seeds 1000         the same test in virtual time, many times faster
        ackproof check log.edn --model list-append   judge what another tool recorded
        ackproof COMMAND --help           the options of one command

    \b
    Exit codes:
        0 valid      the checkers looked at the run and found no violation
        1 invalid    a checker found a violation
        2 unknown    the run shows neither, for example because a fault had no effect
        254          the command was called with wrong options
        255          the command could not do its work
    """
    click.get_current_context().meta[CLOCK] = Clock.start()
