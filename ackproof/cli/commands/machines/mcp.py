"""`ackproof mcp`: offers a store to coding agents."""

from __future__ import annotations

from pathlib import Path

import click

from ackproof.cli import options
from harness.errors import CouldNotRun


@click.command()
@options.store_option("What agents may look into.")
@click.option(
    "--allow-runs", is_flag=True, help="Let agents run tests on this machine, and write into the store."
)
def mcp(store: Path, allow_runs: bool) -> None:
    """Offer runs and findings to a coding agent.

    A server of the Model Context Protocol on standard input and output, for the configuration of an agent. It
    lists runs and findings, gives verdicts and causes, and judges histories in the store. Without
    --allow-runs it only reads. It needs the extra mcp. See docs/agents.md.

    \b
        ackproof mcp --store store
        ackproof mcp --store store --allow-runs
    """
    try:
        from ackproof.mcp.server import server  # here, since only this needs the protocol's SDK
    except ImportError as error:
        raise CouldNotRun(
            f"the protocol's SDK is not installed ({error}): pip install 'ackproof[mcp]'"
        ) from error
    if not store.is_dir():
        raise CouldNotRun(
            f"there is no store {store}; `ackproof run` makes one, or name another with --store"
        )
    server(store, may_run=allow_runs).run("stdio")
