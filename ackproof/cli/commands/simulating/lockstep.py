"""`ackproof lockstep`: for those who write a core that is to be simulated."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from harness.sim.lockstep.check import CoreStep
    from harness.sim.lockstep.watching.watch import Watch

USUAL_SEEDS = 5


@click.group()
def lockstep() -> None:
    """Help those who write a core for the simulated world.

    A core is a program in any language that holds a node: it reads an event a line and answers with what
    the node does. docs/lockstep.md has the protocol.
    """


@lockstep.command()
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option(
    "--workload",
    metavar="NAME",
    shell_complete=options.completing(options.workload_names),
    help="What clients do.  [default: the first that fits the core's data types]",
)
@click.option(
    "--seeds",
    default=USUAL_SEEDS,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many seeds with faults are run, each twice.",
)
@click.option(
    "--answer-within",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds that the core may take for one answer.",
)
@options.json_option()
def check(
    command: tuple[str, ...], workload: str | None, seeds: int, answer_within: float, as_json: bool
) -> NoReturn:
    """Say whether a core keeps to the protocol, and whether it answers the same when a seed is run again.

    The core says what it is. Then three nodes run while the core is watched: what it touches of the real
    machine (the clock, random numbers, files, sockets, threads, processes) is named. Then one node runs
    alone, three run without faults, and some seeds run with theirs; each run is done twice. If a rule is
    broken, the command says which, at which event, and exits with 255. If the core touches the machine, or
    no operation of a client was ok without any fault, it exits with 2.

    \b
        ackproof lockstep check -- ./my-core --verbose
    """
    from harness.sim.lockstep.check import checked, watched
    from harness.sim.lockstep.encodings import IN_WORDS
    from harness.sim.lockstep.protocol import VERSION
    from harness.sim.lockstep.runs import core_of
    from harness.systems.catalogue import workloads_of

    core = core_of(shlex.join(command), answer_within)
    fitting = workloads_of(core.data_types)
    if not fitting:
        raise CouldNotRun(f"no workload fits the core's data types, which are {', '.join(core.data_types)}")
    if workload is not None and workload not in fitting:
        raise click.UsageError(f"workload {workload} does not fit this core; these do: {', '.join(fitting)}")
    if not as_json:
        held = "one node" if core.holds == "node" else "the whole cluster"
        say(
            f"hello: version {VERSION}, {held} a process, data types {', '.join(core.data_types)}, "
            f"traces {core.traces}, {IN_WORDS[core.encoding]}"
        )

    def show(step: CoreStep) -> None:
        effects = ", ".join(f"{number} {name}" for name, number in step.effects.items())
        say(f"{step.what}: {step.events} events, {step.operations_ok} operations ok; {effects}")
        if step.lacks is not None:
            say(f"  {step.lacks}")

    with Working("running the core", quiet=as_json) as working:
        watch = watched(core, workload or fitting[0])
        if not as_json:
            working.above(lambda: show_watched(watch))

        def tell(step: CoreStep, share: float) -> None:
            working.tell(share)
            if not as_json:
                working.above(lambda: show(step))

        found = checked(core, workload or fitting[0], seeds, tell, watch)
    words = "It keeps to the protocol, and answered the same each time."
    if found.touched:
        words = "It answered the same each time, but touches the real machine: see above."
    elif not found.is_exercised:
        words = "It keeps to the protocol, but does too little: see above."
    finish(
        Exit.VALID if found.is_exercised and not found.touched else Exit.UNKNOWN,
        found,
        lambda: say(words),
        as_json=as_json,
        about=lambda: about_simulated(core=core),
        judges=False,
    )


def show_watched(watch: Watch) -> None:
    """Print what a watched core touched, and how much could be seen."""
    first, most = watch.threads
    threads = f"{first} threads at first, {most} at most"
    if watch.is_inside:
        say(f"watched from inside: {len(watch.touched)} places touch the real machine; {threads}")
    else:
        say(
            f"watched from outside: {len(watch.touched)} things of the real machine are open; {threads}. "
            "Whether it reads the clock or random numbers cannot be seen there"
        )
    for touch in watch.touched:
        say(f"  it touches {touch.in_words}; the event was {touch.event}")
