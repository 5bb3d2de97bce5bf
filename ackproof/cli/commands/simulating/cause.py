"""`ackproof cause`: says what brought a failing run's violation about."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.output.cases import of_cause
from ackproof.cli.output.ending import finish
from ackproof.cli.output.printing import say

if TYPE_CHECKING:
    from harness.sim.lockstep.protocol import ForeignCore

USUAL_SECONDS = 120.0


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=USUAL_SECONDS,
    show_default=True,
    help="Begin no run after this many seconds; what was measured by then is shown.",
)
@click.option("--anyway", is_flag=True, help="Go on even if the code has changed since FILE was written.")
@options.core_option("Of a FILE of a core of yours: the core")
@options.ci_options()
@options.json_option()
def cause(file: Path, seconds: float, anyway: bool, core: ForeignCore | None, as_json: bool) -> NoReturn:
    """Say what brought a failing run's violation about.

    FILE holds the schedule of a failing run, as `ackproof sim --shrink` writes it. Many runs begin as this
    one, and from some moment on chance decides otherwise: when messages arrive or get lost, how long writes
    and elections take. How often the violation still follows is shown for many moments. Where that share
    jumps, the moments between are looked at, down to the one thing that made the difference. Last comes the
    twin: a run without the violation that differs as late as possible, and the first difference. FILE gets a
    picture of the shares next to it, and a diagram of Mermaid of what led to the violation.

    The exit code is 1, as the run is invalid.

    \b
        ackproof sim --seed 1 --mutant forgetful --shrink small.json
        ackproof cause small.json
    """
    from harness.sim.cause import command

    found = command.cause(file, seconds, anyway=anyway, quiet=as_json, core=core)
    if found.warning is not None:
        say(f"ackproof: {found.warning}", error=True)
    named = [] if core is None else ["--core", shlex.join(core.command)]
    again = shlex.join(["ackproof", "replay", str(file), *named])
    finish(
        "violation",
        found,
        lambda: command.show(found),
        as_json=as_json,
        about=lambda: about_simulated(next_=(again,), core=core),
        cases=lambda: of_cause(found),
    )
