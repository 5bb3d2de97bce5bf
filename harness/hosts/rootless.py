"""Network namespaces without root: the command runs again, inside a user namespace in which it is root.

An ordinary user may make a user namespace (user_namespaces(7)), be root in it, and so own network and mount
namespaces: nodes get addresses of their own, packet filters and traffic control, with no right outside.

```
unshare --user --map-root-user --net --mount      the process keeps its number, user and files
  entering.py                                      an own /run, since `ip netns` keeps its list there
    ackproof run --world netns ...                 as it was called; user id 0 here, the user's own outside
```

Nothing of it outlives the last process in it, so `clean` from outside needs to end processes only. What
dead runs left outside is cleaned before entering, since processes outside cannot be asked from inside.

Some kernels and containers forbid it; `reasons_against` says what would help there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import CouldNotRun
from harness.hosts.netns import TOOLS
from harness.hosts.programs import entering

INSIDE = "ACKPROOF_ROOTLESS"
"""The environment variable that is set inside; its value is the user's number outside."""
UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--")
TRY_BOUND_S = 20.0
_TRIAL = "ip netns add ackproof-trial && nsenter --net=/run/netns/ackproof-trial nft list tables"
_SETTINGS = {
    "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=1000"),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
}
"""By file: the value with which a kernel forbids user namespaces, and what changes that."""
_NOT_EXECUTED = "failed to execute"
"""What unshare says if it could enter the namespace, and not run the program: its folder may be closed."""


def is_inside() -> bool:
    """Whether this process is root only in a user namespace that `enter_if_needed` made."""
    return INSIDE in os.environ


def reasons_against() -> list[str]:
    """Why an ordinary user cannot have network namespaces here; empty if he can. Tries it, in some 50 ms."""
    if not sys.platform.startswith("linux"):
        return ["network namespaces need Linux"]
    missing = {package for tool, package in (*TOOLS.items(), ("unshare", "util-linux")) if not _path_of(tool)}
    if missing:
        return [f"packages are missing: apt-get install {' '.join(sorted(missing))}"]
    try:
        tried = subprocess.run(  # noqa: S603 - an argument list, and a shell with fixed text
            _inside("/bin/sh", "-c", _TRIAL),
            capture_output=True,
            text=True,
            check=False,
            timeout=TRY_BOUND_S,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"a namespace cannot be tried: {error}"]
    if not tried.returncode:
        return []
    why = (tried.stderr.strip() or f"status {tried.returncode}").splitlines()[-1]
    if _NOT_EXECUTED in why:  # the kernel made the namespace
        return [f"a program that is needed cannot be executed in one that the user makes ({why})"]
    return [f"this kernel refuses them to users other than root ({why})"]


def what_would_help() -> str:
    """What to do on a machine that refuses user namespaces, in words."""
    helps = [helps for file, (forbids, helps) in _SETTINGS.items() if _read(file) == forbids]
    settings = f"; or let root do: {' and '.join(helps)}" if helps else ""
    return f"run it as root (sudo){settings}; in a container, allow user namespaces or run it privileged"


def enter_if_needed(
    clean_outside: Callable[[], object],
    argv: Sequence[str] | None = None,
    *,
    otherwise: str = "--world local",
) -> None:
    """Let the command run in namespaces of its own, if this is not root; then this does not return.

    It is called before anything is started: this program ends, and the same command begins again inside, with
    the same process number.

    Args:
        clean_outside: cleans up after dead runs; called once it is known that namespaces can be had.
        argv: what to run inside; None for this program as it was called.
        otherwise: an option with which the command would need no namespaces, for the refusal.

    Raises:
        CouldNotRun: the kernel, or the container, refuses; with what would work.
    """
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        return
    reasons = reasons_against()
    if reasons:
        raise CouldNotRun(
            f"each node needs a network of its own, and {'; '.join(reasons)}: {what_would_help()}; or use "
            f"{otherwise} where the system can do without"
        )
    clean_outside()
    sys.stdout.flush()
    sys.stderr.flush()
    again = [sys.executable, *sys.orig_argv[1:]] if argv is None else list(argv)
    words = _inside(*again)
    os.execvpe(words[0], words, _environment())  # noqa: S606 - an argument list, no shell


def _inside(*argv: str) -> list[str]:
    return [*UNSHARE, sys.executable, "-I", "-S", "-c", entering.SOURCE, *argv]


def _environment() -> dict[str, str]:
    """The environment inside: tools of the superuser are found, and the home folder stays the user's."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return {**os.environ, "HOME": str(Path.home()), "PATH": path, INSIDE: str(os.getuid())}


def _path_of(tool: str) -> str | None:
    return shutil.which(tool, path=_environment()["PATH"])


def _read(file: str) -> str | None:
    try:
        return Path(file).read_text().strip()
    except OSError:
        return None
