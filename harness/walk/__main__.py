"""`python -m harness.walk SYSTEM...`: conducts walks, and writes the tables of docs/article.md.

SYSTEM is node_impl or nacos@VERSION. Run it as root, from a checkout. What was seen is kept in
docs/results/walks. Without a system only the page is written.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from harness.walk.conducting import walk, walk_of
from harness.walk.page import PAGE, keep, with_tables


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.walk", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help="node_impl, or nacos@VERSION")
    parser.add_argument("--folder", type=Path, default=Path("walk"), help="for the members' files")
    given = parser.parse_args()
    for name in given.systems:
        folder, load = given.folder / name.replace("@", "-"), os.getloadavg()[0]
        asyncio.run(walk(name, folder))
        keep(name, walk_of(name, folder, load))
    if not given.systems:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
