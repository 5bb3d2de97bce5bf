"""`ackproof serve`: shows all runs of a store in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from ackproof.cli import options
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps

DEFAULT_ADDRESS = "127.0.0.1:8650"


@click.command()
@options.store_option("The store whose runs are shown.")
@options.listen_option(DEFAULT_ADDRESS)
@click.option(
    "--reachable-by-anyone",
    is_flag=True,
    help="Allow --listen with an address that other machines reach. There is no password: every program "
    "that reaches it can read every run.",
)
def serve(store: Path, listen: tuple[str, int] | None, reachable_by_anyone: bool) -> None:
    """Show all runs of a store in a browser, until Ctrl-C.

    The pages list and search the runs, draw trends by system, workload and faults, the seeds of campaigns,
    the findings and the seeded bugs, and show what goes on now. Each run's report is one click away, and all
    its files as one zip. Nothing in the store is changed, and the pages fetch nothing from elsewhere.

    \b
        ackproof serve
        ackproof serve --store /srv/nightly --listen 127.0.0.1:9000
        ackproof site pages/       the same pages as files
    """
    from harness.recording.recorder import Address  # here, since these load what the help does not need
    from harness.store.index import entries
    from harness.store.serving import StoreServer

    address = Address(*(listen or options.host_and_port(DEFAULT_ADDRESS)))
    if not address.is_loopback and not reachable_by_anyone:
        raise click.BadParameter(
            f"other machines may reach {address.host}, and there is no password; use 127.0.0.1, or allow it "
            "with --reachable-by-anyone",
            param_hint="'--listen'",
        )
    with StoreServer(store, address.host, address.port) as server:
        with Steps("reading runs", quiet=False) as steps:
            found = entries(store, steps.show)  # so that the first page has not to wait for them
        none_yet = "" if found else ", which holds none yet"
        say(f"{server.address} shows the runs of {store}{none_yet}; Ctrl-C ends it")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("ended", error=True)
