"""The commands about hosts: what they can do, and removing what dead runs left on them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from harness.errors import CouldNotRun
from harness.hosts import agent, netns
from harness.hosts.abilities import SS, in_short, packages_missing, reasons_against
from harness.hosts.host import HostError
from harness.hosts.inventory import HostSpec, InventoryError, parse_inventory, read_inventory
from harness.hosts.ledger import clean as clean_up
from harness.hosts.ssh.bundle import mismatch
from harness.nemesis import NEMESES
from harness.nemesis.package import WorldName

INSTALL_BOUND_S = 300.0


MOST_NODES = 99
USUAL_NODES = 5
Nodes = int | tuple[str, ...] | None
"""How many, or which hosts; None if it was not said."""


def parse_nodes(context: click.Context, option: click.Parameter, value: str | None) -> Nodes:
    """The value of --nodes: a number, or hosts separated by commas. A click callback."""
    if value is None:
        return None
    if not value.lstrip("-").isdigit():
        words = tuple(word.strip() for word in value.split(","))
        if not all(words):
            raise click.BadParameter(f"{value!r} has an empty name in it", context, option)
        return words
    if not 1 <= int(value) <= MOST_NODES:
        raise click.BadParameter(f"{value} is not between 1 and {MOST_NODES}", context, option)
    return int(value)


def nodes_of(
    hosts: str, nodes: Nodes, nodes_file: Path | None
) -> tuple[tuple[str, ...], tuple[HostSpec, ...]]:
    """The nodes' names, and the remote hosts that they live on; none of these, if they are not remote.

    Raises:
        click.UsageError: the options do not fit together, or the file is wrong.
    """
    if hosts != "ssh":
        for option, given in (
            ("--nodes-file", nodes_file is not None),
            ("--nodes", isinstance(nodes, tuple)),
        ):
            if given:
                raise click.UsageError(
                    f"{option} names remote hosts, but --hosts is {hosts}; add --hosts ssh"
                )
        count = nodes if isinstance(nodes, int) else USUAL_NODES
        return tuple(f"n{number}" for number in range(1, count + 1)), ()
    if isinstance(nodes, tuple) and nodes_file is not None:
        raise click.UsageError(
            "--nodes HOST,... and --nodes-file both say where the nodes are; leave one out"
        )
    inventory = inventory_of(nodes_file, nodes if isinstance(nodes, tuple) else ())
    if isinstance(nodes, int):
        if nodes > len(inventory):
            raise click.UsageError(
                f"--nodes {nodes} asks for more than the {len(inventory)} hosts of {nodes_file}"
            )
        inventory = inventory[:nodes]
    return tuple(spec.name for spec in inventory), inventory


def inventory_of(nodes_file: Path | None, named: Sequence[str] = ()) -> tuple[HostSpec, ...]:
    """The remote hosts of a nodes file, or those that --nodes names.

    Raises:
        click.UsageError: neither is given, or what is given is wrong.
    """
    if nodes_file is None and not named:
        raise click.UsageError(
            "--hosts ssh needs --nodes HOST,... or --nodes-file FILE, with [user@]host[:port] a line"
        )
    try:
        if nodes_file is None:
            return parse_inventory(named, "--nodes", _aliases, unit="host")
        return read_inventory(nodes_file, _aliases)
    except InventoryError as error:
        raise click.UsageError(str(error)) from error


def _aliases(config: str | None) -> Sequence[str]:
    try:
        from harness.hosts.ssh.ssh import aliases  # here, since only this needs paramiko
    except ImportError as error:
        raise CouldNotRun(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'") from error
    try:
        return aliases(config)
    except HostError as error:
        raise click.UsageError(str(error)) from error


class Checked(msgspec.Struct, frozen=True):
    """What was found of one host."""

    host: str
    unusable: str | None = None
    """Why no node can run there."""
    facts: Mapping[str, Any] = {}
    can: tuple[str, ...] = ()
    """Faults, each for which all is there."""
    cannot: Mapping[str, tuple[str, ...]] = {}
    """By fault: why not."""


@click.group()
def hosts() -> None:
    """Look at the hosts that nodes are to run on."""


@hosts.command()
@click.option(
    "--nodes-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Remote hosts; without it, this machine.",
)
@click.option("--install", is_flag=True, help="Install what is missing, by apt-get; needs root there.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def check(nodes_file: Path | None, install: bool, as_json: bool) -> None:
    """Say, host by host, what is there and what each fault needs.

    Connects as a run would, and leaves nothing there. Exit code 255 if a host cannot run a node.
    """
    if nodes_file is None:
        found = [_checked("this machine", agent.Agent("", "").facts(), "local")]
        if install:
            raise click.UsageError("--install is for remote hosts; here, run apt-get yourself")
    else:
        specs = inventory_of(nodes_file)
        found = asyncio.run(_check_all(specs, install))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for one in found:
            click.echo("\n".join(_told(one)))
    unusable = [one.host for one in found if one.unusable is not None]
    if unusable:
        raise CouldNotRun(f"no node can run on {', '.join(unusable)}")


@click.command()
def clean() -> None:
    """Remove what dead runs left: processes, namespaces, and what they had on remote hosts.

    What belongs to a living run is left alone. Every run does the same as it starts.
    """
    removed = clean_up()
    for one in removed:
        click.echo(f"removed {one}")
    if not removed:
        click.echo("nothing was left behind")
    if any(one.problems for one in removed):
        raise CouldNotRun("not everything could be removed, see above")


async def _check_all(specs: tuple[HostSpec, ...], install: bool) -> list[Checked]:
    return list(await asyncio.gather(*[_check(spec, install) for spec in specs]))


async def _check(spec: HostSpec, install: bool) -> Checked:
    try:
        from harness.hosts.ssh.connection import RemoteRun  # here, since only this needs paramiko
        from harness.hosts.ssh.remote import RemoteHost
    except ImportError as error:
        raise CouldNotRun(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'") from error
    token = secrets.token_hex(16)
    run = RemoteRun(spec, token, f"ackproof_{token[:8]}", f"check-{token[:16]}")
    try:
        async with RemoteHost(run, time.monotonic_ns) as host:
            missing = packages_missing(host.facts)
            if install and missing:
                done = await host.run(["apt-get", "install", "-y", *missing], bound_s=INSTALL_BOUND_S)
                if done.status:
                    raise HostError(f"{spec}: apt-get install {' '.join(missing)}: {done.complaint()}")
            facts = await host.look_again()
            await host.remove_folder()
            return _checked(str(spec), facts)
    except HostError as error:
        return Checked(str(spec), str(error))


def _checked(host: str, facts: Mapping[str, Any], world: WorldName = "ssh") -> Checked:
    reasons = {
        name: tuple(reasons_against(name, facts, with_proxies=world == "local"))
        for name, package in NEMESES.items()
        if world in package.worlds
    }
    able = tuple(name for name in reasons if not reasons[name])
    return Checked(host, mismatch(facts), facts, able, {name: why for name, why in reasons.items() if why})


def faults_in_words() -> str:
    """Every fault and what it needs, for the help of a command (click keeps lines after a \\b)."""
    lines = []
    for name, package in NEMESES.items():
        needs = in_short(name)
        where = ", ".join(world for world in package.worlds if world != "sim") or "sim only"
        broken = f" Breaks what a system must assume: {package.breaks}." if package.breaks else ""
        lines.append(f"  {name}: {package.about} [{where}{'; needs ' + needs if needs else ''}].{broken}")
    head = "\b\nFaults (links need root, nftables and tc only where they are no proxies, as in local):\n"
    return head + "\n".join(lines)


def _told(one: Checked) -> list[str]:
    """For people."""
    if not one.facts:
        return [f"{one.host}", f"    not usable: {one.unusable}"]
    facts = one.facts
    python = ".".join(map(str, facts["python"]))
    who = "root" if facts["root"] else "not root"
    lines = [f"{one.host}", f"    {facts['implementation']} {python} on {facts['machine']}, {who}"]
    if one.unusable:
        lines.append(f"    not usable: {one.unusable}")
    lines.append(f"    can: {', '.join(one.can)}")
    lines += [f"    cannot {fault}: {'; '.join(reasons)}" for fault, reasons in one.cannot.items()]
    if "partition" in one.can and not SS.is_met(facts):
        lines.append(f"    note: {SS.otherwise}")
    netem = {True: "yes", False: "no", None: "not asked, since that needs root"}[facts["netem"]]
    lines.append(f"    tc netem in the kernel: {netem}")
    if one.host == "this machine":
        reasons = netns.reasons_against()
        without = [
            name
            for name, package in NEMESES.items()
            if "netns" in package.worlds and reasons_against(name, facts)
        ]
        usable = f"yes, without {', '.join(without)}" if without else "yes"
        lines.append(f"    --hosts netns: {'; '.join(reasons) if reasons else usable}")
    return lines
