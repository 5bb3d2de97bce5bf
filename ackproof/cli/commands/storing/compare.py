"""`ackproof compare`: says what two runs do not have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from ackproof.cli.output.stored import what_ran

if TYPE_CHECKING:
    from harness.store.comparing import Comparison, LatencyQuantiles

MOST_SHOWN = 20
"""Figures that people see; --json has all."""
LONGEST_VALUE = 60


@click.command()
@click.argument("a")
@click.argument("b")
@options.store_option("The store of runs that are given by their names.")
@options.json_option()
def compare(a: str, b: str, store: Path, as_json: bool) -> NoReturn:
    """Say what two runs do not have in common.

    A and B are the folders of runs, of simulated runs or of recordings, or the names of such folders in the
    store. Shown are the options and versions that differ, the checkers that do not say the same, the
    latencies of both, and the figures that differ; of two simulated runs also the first line of a history
    or of a trace that differs.

    Exits with 0 once they are compared, whatever differs and however the runs ended: the exit code of
    `ackproof analyze` says whether a run is valid.

    \b
        ackproof compare store/2026-11-28T134341-register-7 store/latest
        ackproof compare 2026-11-28T134341-register-7 latest --json
    """
    from harness.store.comparing import compare as compare_folders  # here, since it loads the histories

    with Working("comparing", quiet=as_json, in_logs=False) as working:
        found = compare_folders(_folder(a, store), _folder(b, store), tell_share=working.tell)
    finish(Exit.VALID, found, lambda: _show(found), as_json=as_json, judges=False)


def _folder(name: str, store: Path) -> Path:
    """The folder of this path, or else of this name in the store."""
    path = Path(name)
    return (path if path.exists() or "/" in name else store / name).resolve()


def _show(found: Comparison) -> None:
    """Print what differs."""
    for name, entry in (("A", found.a), ("B", found.b)):
        ended = entry.state if entry.validity is None else entry.validity.value.upper()
        say(f"{name}  {ended}  {what_ran(entry)}  {entry.folder}")
        if entry.why and ended != "VALID":
            say(f"   {entry.why}")
    _show_options(found)
    _show_verdicts(found)
    _show_latencies(found)
    _show_measures(found)
    _show_first_difference(found)


def _show_options(found: Comparison) -> None:
    say(f"\noptions that differ: {len(found.options) or 'none'}")
    for one in found.options:
        say(f"  {one.name}: {_value(one.a)}  ->  {_value(one.b)}")


def _show_verdicts(found: Comparison) -> None:
    say(f"\ncheckers that differ: {len(found.verdicts) or 'none'}; the same: {found.same_verdicts}")
    for one in found.verdicts:
        say(f"  {one.checker}: {one.a or 'not judged'}  ->  {one.b or 'not judged'}")
        for name, mark, text in (("A", one.a, one.a_says), ("B", one.b, one.b_says)):
            if text and mark != "valid":
                say(f"    {name}: {text}")


def _show_latencies(found: Comparison) -> None:
    if not found.latencies:
        return
    columns = f"{'half':>8} {'99 %':>8}"
    say(f"\n{'latency if ok, in ms':22}  {'A: number':>9} {columns}  {'B: number':>9} {columns}")
    for one in found.latencies:
        say(f"  {_value(one.f):20}  {_quantiles(one.a)}  {_quantiles(one.b)}")


def _quantiles(latencies: LatencyQuantiles) -> str:
    half, most = latencies.at(0.5), latencies.at(0.99)
    if half is None or most is None:
        return f"{0:>9} {'-':>8} {'-':>8}"
    return f"{latencies.ok:>9,} {half:>8.4g} {most:>8.4g}"


def _show_measures(found: Comparison) -> None:
    others = [one for one in found.measures if one.checker != "stats"]
    say(f"\nfigures that differ: {len(others) or 'none'}")
    for one in others[:MOST_SHOWN]:
        say(f"  {one.checker} {one.measure}: {one.a:g}  ->  {one.b:g}")
    if len(others) > MOST_SHOWN:
        say(f"  and {len(others) - MOST_SHOWN} more: --json has them")


def _show_first_difference(found: Comparison) -> None:
    if found.is_same:
        say("\nthe two simulated runs are the same, line by line")
    parting = found.first_difference
    if parting is None:
        return
    at = "" if parting.at_ns is None else f", at {parting.at_ns / 1e9:.6f} s"
    say(f"\nthe simulated runs part in line {parting.line} of the {parting.where}{at}:")
    for name, text in (("A", parting.a), ("B", parting.b)):
        say(f"  {name}: {text if text is not None else '(it has ended)'}")


def _value(value: Any) -> str:
    text = "none" if value in (None, [], {}, "") else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
