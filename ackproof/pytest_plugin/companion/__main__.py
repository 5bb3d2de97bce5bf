"""The companion process: answers the requests on its standard input until that is closed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from ackproof.shadows import shadow


def main() -> None:
    """Serve; whatever a library prints goes to standard error, since answers go to standard output."""
    problem = shadow()
    if problem is not None:
        sys.exit(problem)
    from ackproof.pytest_plugin.companion.serving import serve

    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    # pytest decides what Ctrl-C ends. Not SIG_IGN, which the nodes' processes would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    asyncio.run(serve(sys.stdin.buffer, answers.write))


if __name__ == "__main__":
    main()
