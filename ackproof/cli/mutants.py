"""`ackproof mutants`: how soon is each seeded bug caught? harness/sim/seeds/mutant_table.py does the work.

Like `sim`, it loads the simulator, and with it the node's code, only where it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
import msgspec

from harness.errors import unknown_name


def known_mutant(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Checks that an option names a seeded bug."""
    return None if value is None else _known((value,))[0]


def _names(_context: click.Context, _argument: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return _known(value)


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    """The named bugs, each once; without a name, all. The import loads the node, so it stands here."""
    from harness.mutants.catalogue import MUTANTS

    for name in names:
        if name not in MUTANTS:
            raise click.BadParameter(unknown_name("mutant", name, MUTANTS))
    return tuple(dict.fromkeys(names)) or tuple(MUTANTS)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, callback=_names)
@click.option("--list", "is_list", is_flag=True, help="Say what they do wrong, and run nothing.")
@click.option(
    "--seeds",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Give up on a bug that does not show within so many.",
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes.  [default: one a core]")
@click.option("--shrink/--no-shrink", default=True, help="Find a small schedule for each.  [default: shrink]")
@click.option(
    "--store",
    default=Path("store"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The schedules are put into its folder mutants/.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else.")
def mutants(
    names: tuple[str, ...],
    is_list: bool,
    seeds: int,
    jobs: int | None,
    shrink: bool,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Hunt the seeded bugs: correct nodes but for one broken rule each, caught by random simulated runs.

    NAME is one of them; without any, all are hunted. Each is run with the seeds 0, 1, 2, ... of any campaign
    until the checker whose property it breaks finds a violation, which is then shrunk.

    Exits with 1 if one was not caught by its own checker, or was reported by one that the catalogue does not
    name.

    \b
        ackproof mutants                            all of them, a few minutes
        ackproof mutants forgetful vote-twice       these
        ackproof mutants --list                     what there is
        ackproof run --mutant forgetful             one of them in real processes
    """
    from harness.sim.seeds import mutant_table  # here, since only this needs the simulator

    if is_list:
        if as_json:
            from harness.mutants.catalogue import MUTANTS

            click.echo(msgspec.json.encode([MUTANTS[name].described() for name in names]))
        else:
            mutant_table.show_list(names)
        raise SystemExit(0)
    folder = store / "mutants" if shrink else None
    found = mutant_table.hunts(names, most_seeds=seeds, jobs=jobs, folder=folder, quiet=as_json)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        mutant_table.show(found, folder)
    raise SystemExit(0 if all(one_hunt.is_as_declared for one_hunt in found) else 1)
