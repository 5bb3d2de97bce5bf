"""`ackproof findings`: the violations of all campaigns of a store, each once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.campaigns import about_findings, known_findings, readable_campaigns, show_findings
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from harness.campaign.journal import Stored
    from harness.sim.lockstep.protocol import ForeignCore


@click.command()
@options.store_option("Where the campaigns are.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that lists known findings.  [default: baseline.toml, if it is there]",
)
@click.option(
    "--shrink",
    metavar="FINDING",
    help="Make a small example of this simulated finding first, in its campaign's folder.",
)
@options.core_option("Of a finding of a core of yours, with --shrink: the core")
@options.json_option()
def findings(
    store: Path, baseline: Path | None, shrink: str | None, core: ForeignCore | None, as_json: bool
) -> NoReturn:
    """List what campaigns found, what to look at first on top.

    Each finding ends with the line that says whether it is still there. Exits with 0 however many there are:
    the exit code of `ackproof campaign` says whether a campaign found any. See docs/campaigns.md for what
    new, ongoing, rare, resolved and regressed mean.

    \b
        ackproof findings
        ackproof findings --store /srv/nightly --baseline known.toml --json
        ackproof findings --shrink 0a1b2c3d4e
    """
    from harness.campaign.findings.gathering import findings as findings_of

    known = known_findings(baseline)
    if not store.is_dir():
        raise CouldNotRun(
            f"there is no store {store}; name another with --store, or begin: ackproof campaign run"
        )
    with Working("reading campaigns", quiet=as_json) as working:
        campaigns = readable_campaigns(store, working)
    if core is not None and shrink is None:
        raise click.UsageError("--core is for --shrink: leave it out, or name a finding")
    if shrink is not None:
        _shrink(shrink, campaigns, core, quiet=as_json)
    found = findings_of(campaigns, known)

    def show() -> None:
        show_findings(found, store)
        if not found:
            runs = sum(len(one.runs) for one in campaigns)
            say(f"no findings in {len(campaigns)} campaigns with {runs} runs in {store}")

    finish(Exit.VALID, found, show, as_json=as_json, about=lambda: about_findings(found, store), judges=False)


def _shrink(what: str, campaigns: Sequence[Stored], core: ForeignCore | None, *, quiet: bool) -> None:
    """Make a small example of one finding, in the folder of the campaign that saw it last."""
    from harness.campaign.again.shrinking import EACH_S, shrunk, task_of

    with Working("making a small example", quiet=quiet, most_s=EACH_S):
        done = shrunk(task_of(campaigns, what, core))
    say(f"{done.lines_before} lines shrunk to {done.lines} in {done.runs} runs: {done.file}", error=True)
