"""A program that makes a clock jump back and forth: it rewrites the libfaketime file until it gets SIGTERM.

Run on the node's host as `python -c SOURCE FILE HERE THERE PERIOD_S`, HERE and THERE being what the file
says in turn, so it is one file of the standard library (Python 3.9). At its end the file says HERE.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""


def main(file: str, here: str, there: str, period_s: float) -> None:
    """Jump, and jump back, in every period."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            for offset in (there, here):
                write(file, offset)
                time.sleep(period_s / 2)
    finally:
        write(file, here)


def write(file: str, offset: str) -> None:
    """Write the file by a rename, since the node may read it at any time."""
    with open(file + ".strobe", "w") as unfinished:
        unfinished.write(offset + "\n")
    os.rename(file + ".strobe", file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
