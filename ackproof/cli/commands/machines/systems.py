"""`ackproof systems`: lists the systems that can be tested, brings them, and tries one out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps, Working
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from harness.systems.installing import Recipe


def _recipe_names() -> Iterable[str]:
    from harness.systems.installing import RECIPES

    return RECIPES


@click.group(invoke_without_command=True)
@options.json_option()
@click.pass_context
def systems(context: click.Context, as_json: bool) -> None:
    """List the systems that can be tested, bring them, or try one out.

    Without a further command: every system, the data types that it has, the workloads that fit, what it
    needs, and whether that is here.

    \b
        ackproof systems                     what there is
        ackproof systems install etcd        bring one
        ackproof systems check etcd          start a node, and say what works
        ackproof run --system etcd           test it
    """
    if context.invoked_subcommand is None:
        _list_systems(as_json)


@systems.command()
@click.argument(
    "name",
    metavar="NAME[@VERSION]|PATH.py:NAME|FILE.toml",
    shell_complete=options.completing(options.system_names),
)
@click.option(
    "--system-option",
    "system_options",
    multiple=True,
    metavar="NAME=VALUE",
    callback=options.system_options,
    help="What the system alone understands, such as the path of its program; may be given often.",
)
@options.json_option()
def check(name: str, system_options: dict[str, str], as_json: bool) -> NoReturn:
    """Start one node of a system, and say what works.

    The node is asked for its status, does some operations of each workload that fits, is ended by SIGTERM and
    by SIGKILL, and started again each time. Nothing is judged. Exits with 0 if all of it works, with 255 if
    not.

    \b
        ackproof systems check etcd
        ackproof systems check registry.toml
    """
    from tempfile import TemporaryDirectory

    from harness.run.test import Test
    from harness.run.trial import lines, try_out, works
    from harness.systems import system_of

    try:
        system = system_of(name, Test(nodes=("n1",), system_options=system_options).options())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with (
        TemporaryDirectory(prefix="ackproof-trial-") as folder,
        Working(f"trying {name[:40]}", quiet=as_json) as working,
    ):
        steps = try_out(system, name, Path(folder), working.tell)

    def show() -> None:
        for line in lines(steps):
            say(line)

    outcome = Exit.VALID if works(steps) else Exit.COULD_NOT_RUN
    finish(outcome, {"system": system.name, "steps": steps}, show, as_json=as_json, judges=False)


@systems.command()
@click.argument(
    "names",
    metavar="[NAME[@VERSION]]...",
    nargs=-1,
    shell_complete=options.completing(_recipe_names),
)
@click.option("--list", "is_list", is_flag=True, help="List all releases, and which are installed.")
@click.option("--unpinned", is_flag=True, help="Accept downloads whose checksum is not known beforehand.")
@options.json_option()
def install(names: tuple[str, ...], is_list: bool, unpinned: bool, as_json: bool) -> NoReturn:
    """Bring releases of systems into a folder of their own.

    Each NAME is a system, with or without a version; without one, the first release of the list is taken.
    Downloads come from Debian, from the Python package index, from Go modules or from Maven, by the tools of
    each, and their checksums are compared with pinned ones. Nothing is installed on the machine itself: a
    Debian package is unpacked, none of its scripts runs, and no service starts. The folder is
    $XDG_DATA_HOME/ackproof/systems/NAME/VERSION, by default below ~/.local/share; to remove a release, remove
    its folder.

    \b
        ackproof systems install etcd              the quickest to bring
        ackproof systems install etcd@3.5.1 redis  another release and system
        ackproof systems install --list            what there is and is here
    """
    if is_list:
        _list(as_json)
    if not names:
        raise click.UsageError("which system? `ackproof systems install --list` shows what there is")
    from harness.systems import installing  # here, since a command's help must be quick

    chosen = [_chosen(name, unpinned) for name in names]
    found = []
    for recipe, version in chosen:
        what = f"{recipe.system} {version}"
        share = installing.share_brought(recipe, version)
        with Working(f"bringing {what}", quiet=as_json, share=share, is_about=True) as working:

            def show(line: str, what: str = what, working: Working = working) -> None:
                working.above(lambda: say(f"{what}: {line}", error=True))

            folder = installing.install(recipe, version, unpinned=unpinned, say=show)
        record = installing.record_of(folder)
        assert record is not None, "an installation ends with its record"
        found.append({"folder": str(folder), "installed": record})

    def show_all() -> None:
        for one in found:
            record = one["installed"]
            assert isinstance(record, installing.Installed)
            accepted = f", {len(record.unpinned)} downloads without a pin" if record.unpinned else ""
            say(f"{record.system} {record.version}: {one['folder']}{accepted}")

    finish(Exit.VALID, found, show_all, as_json=as_json, judges=False)


def _list_systems(as_json: bool) -> NoReturn:
    """Print every system that --system knows by name."""
    from harness.run.test import Test
    from harness.systems.listing import listed_systems

    with Steps("asking systems for their versions", quiet=as_json) as steps:
        rows = listed_systems(Test(nodes=("n1",)).options(), steps.show)

    def show() -> None:
        for row in rows:
            say(f"{row.name:<15} {row.about}")
            if row.is_here:
                say(f"{'':<15} data types: {', '.join(row.data_types)}")
                say(f"{'':<15} workloads: {', '.join(row.workloads)}")
                say(f"{'':<15} {row.needs}")
            say(f"{'':<15} {row.here}")
            if row.options:
                say(f"{'':<15} --system-option {', '.join(row.options)}")

    finish(Exit.VALID, rows, show, as_json=as_json, judges=False)


def _chosen(name: str, unpinned: bool) -> tuple[Recipe, str]:
    """The recipe and the version that NAME[@VERSION] means; a wrong one is refused at once."""
    from harness.systems.installing import recipe_of

    system, at, version = name.partition("@")
    if at and not version:
        raise click.UsageError(f"{name!r} names no version: give {system}@VERSION")
    try:
        recipe = recipe_of(system)
        return recipe, recipe.release(version or None, unpinned=unpinned).version
    except CouldNotRun as error:
        raise click.UsageError(str(error)) from error


def _list(as_json: bool) -> NoReturn:
    """Print all releases, and where those that are installed lie."""
    from harness.systems.installing import RECIPES, installed

    here = {(record.system, record.version): str(folder) for folder, record in installed().items()}
    listed = [(recipe.system, release.version) for recipe in RECIPES.values() for release in recipe.releases]
    rows = [
        {
            "system": recipe.system,
            "version": release.version,
            "source": release.source.words,
            "needs_mib": release.needs_mib,
            "note": release.note,
            "folder": here.get((recipe.system, release.version)),
        }
        for recipe in RECIPES.values()
        for release in recipe.releases
    ]
    rows += [
        {"system": system, "version": version, "folder": folder}
        for (system, version), folder in here.items()
        if (system, version) not in listed
    ]

    def show() -> None:
        for row in rows:
            where = f"installed in {row['folder']}" if row["folder"] else f"from {row['source']}"
            say(f"{row['system']:<10} {row['version']:<8} {where}")
            if row.get("note"):
                say(f"{'':<19} {row['note']}")

    finish(Exit.VALID, rows, show, as_json=as_json, judges=False)
