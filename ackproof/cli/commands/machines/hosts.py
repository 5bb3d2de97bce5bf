"""`ackproof hosts`: shows which faults a host can have, and what it lacks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.nodes import inventory_of, paramiko_is_missing
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from checkers.words import plural

if TYPE_CHECKING:
    from harness.hosts.inventory import HostSpec
    from harness.nemesis.mechanisms.world import WorldKind

INSTALL_BOUND_S = 300.0
THIS_MACHINE = "this machine"


class CheckedHost(msgspec.Struct, frozen=True):
    """What was found out about one host."""

    host: str
    unusable: str | None = None
    """Why no node can run there; None if nodes can."""
    facts: Mapping[str, Any] = {}
    can: tuple[str, ...] = ()
    """The faults that this host can have."""
    cannot: Mapping[str, tuple[str, ...]] = {}
    """By name of each other fault: the reasons why it cannot."""


@click.group()
def hosts() -> None:
    """Show which faults a host can have, and what it lacks."""


@hosts.command()
@click.option(
    "--nodes-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Remote hosts, [user@]host[:port] a line.  [default: this machine]",
)
@click.option("--install", is_flag=True, help="Install missing packages with apt-get; needs root there.")
@options.json_option()
def check(nodes_file: Path | None, install: bool, as_json: bool) -> NoReturn:
    """Show for each host what is installed, and which faults it can have.

    The command connects as a run would, and leaves nothing behind. The exit code is 255 if a host cannot
    run a node.

    \b
        ackproof hosts check                               this machine
        ackproof hosts check --nodes-file hosts.txt        these, by SSH
        ackproof hosts check --nodes-file hosts.txt --install
        ackproof run --world ssh --nodes-file hosts.txt    test on them
    """
    import asyncio

    from harness.cluster.kinds import LOCAL  # here and below: the help of the command needs none of these
    from harness.hosts import agent

    if nodes_file is None:
        found = [_checked(THIS_MACHINE, agent.Agent("", "").facts(), LOCAL)]
        if install:
            raise click.UsageError("--install is for remote hosts; here, run apt-get yourself")
    else:
        specs = inventory_of(nodes_file)
        most_s = INSTALL_BOUND_S if install else None
        with Working(f"looking at {plural(len(specs), 'host')}", quiet=as_json, most_s=most_s) as working:
            found = asyncio.run(_check_all(specs, install, working.tell))
    unusable = [one.host for one in found if one.unusable is not None]

    def show() -> None:
        for one in found:
            click.echo("\n".join(_lines(one)))

    if unusable:
        say(f"ackproof: no node can run on {', '.join(unusable)}", error=True)
    outcome = Exit.COULD_NOT_RUN if unusable else Exit.VALID
    finish(outcome, found, show, as_json=as_json, judges=False)


async def _check_all(
    specs: tuple[HostSpec, ...], install: bool, tell_share: Callable[[float], None]
) -> list[CheckedHost]:
    import asyncio

    done = 0

    async def check_one(spec: HostSpec) -> CheckedHost:
        nonlocal done
        found = await _check(spec, install)
        done += 1
        tell_share(done / len(specs))
        return found

    return list(await asyncio.gather(*map(check_one, specs)))


async def _check(spec: HostSpec, install: bool) -> CheckedHost:
    from harness.cluster.kinds import SSH
    from harness.hosts.abilities import packages_missing
    from harness.hosts.host import HostError

    try:
        from harness.hosts.ssh.connection import RemoteRun  # here, since only this needs paramiko
        from harness.hosts.ssh.remote import RemoteHost
    except ImportError as error:
        raise paramiko_is_missing(error) from error
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
            return _checked(str(spec), facts, SSH)
    except HostError as error:
        return CheckedHost(str(spec), str(error))


def _checked(host: str, facts: Mapping[str, Any], world: WorldKind) -> CheckedHost:
    from harness.cluster.kinds import LOCAL
    from harness.hosts.abilities import reasons_against
    from harness.hosts.ssh.bundle import mismatch
    from harness.nemesis import NEMESES

    reasons = {
        name: tuple(reasons_against(name, facts, with_proxies=world is LOCAL))
        for name, fault in NEMESES.items()
        if fault.lacks(world) is None
    }
    able = tuple(name for name in reasons if not reasons[name])
    return CheckedHost(
        host, mismatch(facts), facts, able, {name: why for name, why in reasons.items() if why}
    )


def _lines(one: CheckedHost) -> list[str]:
    """What is printed of a host, for people."""
    from harness.cluster.kinds import NETNS
    from harness.hosts import netns
    from harness.hosts.abilities import reasons_against
    from harness.nemesis import NEMESES
    from harness.nemesis.needs import SS

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
    netem = {True: "yes", False: "no", None: "unknown, since looking needs root"}[facts["netem"]]
    lines.append(f"    tc netem in the kernel: {netem}")
    if one.host == THIS_MACHINE:
        reasons = netns.reasons_against()
        without = [
            name
            for name, fault in NEMESES.items()
            if fault.lacks(NETNS) is None and reasons_against(name, facts)
        ]
        usable = f"yes, without {', '.join(without)}" if without else "yes"
        lines.append(f"    --world netns: {'; '.join(reasons) if reasons else usable}")
    return lines
