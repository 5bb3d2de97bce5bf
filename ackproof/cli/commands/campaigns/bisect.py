"""`ackproof bisect`: the commit that brought in a finding."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.campaigns import OF_BISECTIONS, readable_campaigns, show_bisected, show_tried
from ackproof.cli.output.ending import finish
from ackproof.cli.output.progress import Working

if TYPE_CHECKING:
    from harness.sim.lockstep.protocol import ForeignCore

USUAL_SECONDS = 600.0


@click.command()
@click.argument("finding", metavar="FINDING|RUN")
@click.option("--good", metavar="REVISION", required=True, help="A commit that does not show the finding.")
@click.option(
    "--bad", metavar="REVISION", default="HEAD", show_default=True, help="A later commit that shows it."
)
@click.option(
    "--repository",
    default=Path(),
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The git repository, or a folder in it, where runs are to be done.  [default: the current folder]",
)
@click.option(
    "--build",
    metavar="COMMAND",
    help="Run this program with its arguments in each commit's folder first, without a shell; a commit whose "
    "build fails is skipped.",
)
@click.option("--runs", type=click.IntRange(min=1), help="Do at most this many runs of one commit.")
@click.option(
    "--seconds",
    default=USUAL_SECONDS,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Begin no run of a commit after this many seconds.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="How sure it must be that a commit does not have it.  [default: 0.99]",
)
@options.core_option("Of a finding of a core of yours: the core, as it is built here and in each commit")
@options.jobs_option()
@options.store_option("Where the campaigns are.")
@options.json_option()
def bisect(
    finding: str,
    good: str,
    bad: str,
    repository: Path,
    build: str | None,
    runs: int | None,
    seconds: float,
    confidence: float | None,
    core: ForeignCore | None,
    jobs: int | None,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Search a git history for the commit that brought in a finding.

    Each commit that is tried is checked out into a temporary folder, and runs there in processes of their
    own: the seeds that showed the finding first, then new ones of the same cell. One run that shows the
    finding makes a commit bad; enough valid runs without it make it good; what cannot be run is skipped. Of
    the reference node, each commit's own Ackproof runs and judges; any other system is taken from the commit,
    and tested with the Ackproof that is installed.

    Exits with 0 if one commit is found, and with 2 if a range is left or nothing is certain.

    \b
        ackproof bisect 0a1b2c3d4e --good v1.3
        ackproof bisect 0a1b2c3d4e --good v1.3 --repository ~/kv --build make
    """
    from harness.campaign.again.target import target
    from harness.campaign.again.trying import Limits
    from harness.campaign.bisect.bisecting import CommitRuns, TriedCommit, bisected
    from harness.campaign.bisect.commits import Repository
    from harness.campaign.findings.brought_in import BroughtIn, keep_commit

    chosen: dict[str, Any] = {} if confidence is None else {"confidence": confidence}
    limits = Limits(runs=runs, seconds=seconds, **chosen)
    campaigns = readable_campaigns(store)
    wanted = target(campaigns, finding, core)
    history = Repository(repository)
    try_commit = CommitRuns(wanted, history, limits, jobs or os.cpu_count() or 1, build)

    with Working("trying commits", quiet=as_json) as working:

        def tell(one: TriedCommit, share: float) -> None:
            working.tell(share)
            if not as_json:
                working.above(lambda: show_tried(one))

        found = bisected(wanted, history, history.commit(good), history.commit(bad), try_commit, limits, tell)
    if found.outcome == "found":
        (commit,) = found.left
        kept = BroughtIn(commit.id, commit.date, commit.subject, found.error)
        saw_it = next(one for one in campaigns if one.header == wanted.header)
        keep_commit(saw_it, wanted.fingerprint, kept)
    finish(OF_BISECTIONS[found.outcome], found, lambda: show_bisected(found), as_json=as_json, judges=False)
