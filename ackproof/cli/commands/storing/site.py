"""`ackproof site`: writes the pages over all runs of a store as files."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps


class WrittenSite(msgspec.Struct, frozen=True):
    """What `ackproof site` wrote."""

    page: str
    """The first page, for a browser."""
    pages: int
    """How many files, without the reports of the runs."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@options.store_option("The store whose runs are shown.")
@options.json_option()
def site(folder: Path, store: Path, as_json: bool) -> NoReturn:
    """Write the pages over all runs of a store as files, for a CI job to keep.

    They are the pages of `ackproof serve`, without what goes on now and without the zip files; the reports of
    the runs lie next to them. Open FOLDER/index.html in a browser.

    \b
        ackproof site pages/
        ackproof site public/ --store /srv/nightly
    """
    from harness.store.site import write_site  # here, since it loads what the help does not need

    with Steps("reading runs", quiet=as_json) as steps:
        number = write_site(store, folder, steps.show)
    written = WrittenSite(str(folder / "index.html"), number)
    finish(Exit.VALID, written, lambda: say(written.page), as_json=as_json, judges=False)
