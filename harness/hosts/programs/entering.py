"""A program that makes fresh user, network and mount namespaces usable, and becomes the one that follows.

Run as `unshare --user --map-root-user --net --mount -- python -c SOURCE PROGRAM ARGUMENT...`, so it is one
file of the standard library. `ip netns` keeps its namespaces in /run/netns, which a user cannot make: an own,
empty file system goes over /run, and what was in it before is put back where it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""
RUN = "/run"
NETNS = "netns"


def main(argv: list[str]) -> None:
    """Prepare /run, and become the program."""
    before = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
    names = sorted(os.listdir(before))
    mount("-t", "tmpfs", "-o", "mode=755", "ackproof", RUN)
    for name in names:
        put_back(f"/proc/self/fd/{before}/{name}", f"{RUN}/{name}", before)
    os.mkdir(f"{RUN}/{NETNS}")
    os.close(before)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607 - found by PATH, as elsewhere
    os.execvp(argv[0], argv)  # noqa: S606 - an argument list, no shell


def put_back(old: str, new: str, before: int) -> None:
    """Show a folder, a link or a file of the old /run in the new one; what cannot be shown is left out."""
    if os.path.basename(new) == NETNS:
        return  # of namespaces that are not ours
    if os.path.islink(old):
        os.symlink(os.readlink(old), new)
        return
    try:
        if os.path.isdir(old):
            os.mkdir(new)
        else:
            Path(new).touch()
        mount("--rbind", old, new, descriptor=before)
    except (OSError, subprocess.CalledProcessError):
        return


def mount(*arguments: str, descriptor: int | None = None) -> None:
    """Run mount(8). The descriptor stays open in it."""
    subprocess.run(  # noqa: S603 - an argument list, no shell
        ["mount", *arguments],  # noqa: S607 - found by PATH
        check=True,
        capture_output=descriptor is not None,
        pass_fds=() if descriptor is None else (descriptor,),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
