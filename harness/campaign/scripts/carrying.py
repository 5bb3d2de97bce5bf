"""The process that carries out one script: starts the nodes that it needs, calls it, and ends them.

    python -m harness.campaign.scripts.carrying CELL SEED STORE

CELL is a campaign's cell as JSON. It makes a folder under STORE, with what the script printed and the files
of its nodes, and prints what came of it (calling.py reads that). SIGTERM and Ctrl-C end the script and the
nodes.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.performing import end_with_parent
from harness.campaign.refusals import test_of
from harness.campaign.scripts.calling import PROGRAM_OPTIONS, Carried, words
from harness.campaign.scripts.catalogue import ADDRESS, HOSTS, OUTPUT, PROGRAM, SCRIPTS, SEED, Script
from harness.client.net import Entering
from harness.errors import CouldNotRun
from harness.hosts.ledger import clean
from harness.run.worlds import world_of
from harness.systems import system_of
from harness.systems.base import HasVersion, bounds
from harness.systems.installing import located

COMPLAINTS, NODES = "errors.txt", "nodes"
ENDING_S = 20.0
"""How long a script may take, once it was sent SIGTERM, to end what it started."""
_COULD_NOT_RUN = 255


async def carried_out(cell: Cell, seed: int, folder: Path) -> Carried:
    """Carry out a cell's script.

    Raises:
        CouldNotRun: the system is not installed, or its nodes cannot be started.
    """
    script = SCRIPTS[cell.script or ""]
    given: dict[str, Sequence[str]] = {SEED: (str(seed),)}
    if not script.needs_nodes:
        system, _, version = cell.system.partition("@")
        own = next((value for name, value in cell.system_options if name in PROGRAM_OPTIONS), None)
        found = located(system, version or None, given=None if own is None else Path(own))
        given[PROGRAM] = (str(found.path),)
        return await _called(words(script, given), script, folder, nullcontext, found.version)
    test = test_of(cell)
    made = system_of(test.system, test.options())
    version = made.version() if isinstance(made, HasVersion) else ""
    async with world_of(test, made, folder / NODES, _now_ns) as world:
        await world.wait_for_leader(bounds(made).leader_s)
        clients = [world.address(name) for name in world.names]
        given[ADDRESS] = clients[:1]
        given[HOSTS] = [address.rpartition(":")[0] for address in clients]
        return await _called(words(script, given), script, folder, world.entering, version or "")


def _now_ns() -> int:
    return time.monotonic_ns()


async def _called(
    arguments: Sequence[str], script: Script, folder: Path, entering: Entering, version: str
) -> Carried:
    """Call the script, in the network of the nodes; it is ended if this is cancelled."""
    output, complaints = folder / OUTPUT, folder / COMPLAINTS

    def start() -> subprocess.Popen[bytes]:
        with entering(), output.open("wb") as out, complaints.open("wb") as errors:
            return subprocess.Popen(  # noqa: S603 - a script of the catalogue, an argument list, no shell
                [sys.executable, str(script.path), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                preexec_fn=end_with_parent,
            )

    starting = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        process = await asyncio.shield(starting)
        status = await asyncio.to_thread(process.wait)
    finally:
        process = await starting  # also one that was still starting when this was cancelled
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    lines = tuple(output.read_text(encoding="utf-8", errors="replace").splitlines())
    complained = complaints.read_text(encoding="utf-8", errors="replace").splitlines()
    last = next((line.strip() for line in reversed(complained) if line.strip()), "")
    return Carried(status, lines, last, str(folder), version)


async def _until_told_to_end(cell: Cell, seed: int, folder: Path) -> Carried:
    """As `carried_out`; SIGTERM and Ctrl-C end it in order."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await carried_out(cell, seed, folder)


def main(arguments: Sequence[str]) -> int:
    """Carry out the script, and print what came of it; the exit status."""
    cell, seed, store = msgspec.json.decode(arguments[0], type=Cell), int(arguments[1]), Path(arguments[2])
    try:
        for removed in clean(store=store):
            sys.stderr.write(f"removed what an earlier run left behind: {removed}\n")
        folder = Path(tempfile.mkdtemp(prefix=f"script-{cell.script}-{seed}-", dir=store.absolute()))
        carried = asyncio.run(_until_told_to_end(cell, seed, folder))
    except asyncio.CancelledError:
        sys.stderr.write("interrupted\n")
        return _COULD_NOT_RUN
    except (CouldNotRun, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return _COULD_NOT_RUN
    sys.stdout.write(msgspec.json.encode(carried).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
