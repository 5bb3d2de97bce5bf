"""The commands about hosts: what they can do, and removing what dead runs left on them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from harness.control import agent, netns
from harness.control.abilities import NEEDS, SS, packages_missing, reasons_against
from harness.control.bundle import mismatch
from harness.control.host import HostError
from harness.control.inventory import HostSpec, InventoryError, read_inventory
from harness.control.ledger import clean as clean_up
from harness.test import CouldNotRun

INSTALL_BOUND_S = 300.0


def inventory_of(hosts: str, nodes_file: Path | None) -> tuple[HostSpec, ...]:
    """The remote hosts that options name; none, if the hosts are not remote.

    Raises:
        click.UsageError: the options do not fit together, or the file is wrong.
    """
    if hosts != "ssh":
        if nodes_file is not None:
            raise click.UsageError(
                f"--nodes-file names remote hosts, but --hosts is {hosts}; add --hosts ssh"
            )
        return ()
    if nodes_file is None:
        raise click.UsageError("--hosts ssh needs --nodes-file FILE, with [user@]host[:port] a line")
    try:
        return read_inventory(nodes_file)
    except InventoryError as error:
        raise click.UsageError(str(error)) from error


class Checked(msgspec.Struct, frozen=True):
    """What was found of one host."""

    host: str
    unusable: str | None = None
    """Why no node can run there."""
    facts: Mapping[str, Any] = {}
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
        found = [_checked("this machine", agent.Agent("", "").facts())]
        if install:
            raise click.UsageError("--install is for remote hosts; here, run apt-get yourself")
    else:
        specs = inventory_of("ssh", nodes_file)
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
        from harness.control.connection import RemoteRun  # here, since only this needs paramiko
        from harness.control.remote import RemoteHost
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


def _checked(host: str, facts: Mapping[str, Any]) -> Checked:
    cannot = {fault: reasons for fault in NEEDS if (reasons := tuple(reasons_against(fault, facts)))}
    return Checked(host, mismatch(facts), facts, cannot)


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
    able = [fault for fault in NEEDS if fault not in one.cannot]
    lines.append(f"    can: {', '.join(able)}")
    lines += [f"    cannot {fault}: {'; '.join(reasons)}" for fault, reasons in one.cannot.items()]
    if "partition" in able and not SS.is_met(facts):
        lines.append(f"    note: {SS.otherwise}")
    netem = {True: "yes", False: "no", None: "not asked, since that needs root"}[facts["netem"]]
    lines.append(f"    tc netem in the kernel: {netem}")
    if one.host == "this machine":
        reasons = netns.reasons_against()
        lines.append(f"    --hosts netns: {'; '.join(reasons) if reasons else 'yes'}")
    return lines
