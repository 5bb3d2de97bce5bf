"""The agent: a program on a remote host that starts, signals and watches processes there, and cleans up.

The harness starts it over SSH.

It is copied to the host as one file, so it imports the standard library alone and runs on Python 3.9.
The harness writes one JSON object a line to its standard input, `{"n": number, "do": what, ...}`; it
answers each with `{"n": number, "ok": result}` or `{"n": number, "error": text}`, and reports by itself
what becomes of the processes that it started: `{"event": "ended" | "stopped" | "continued", "pid": ...}`.

**It ends with the harness.** When its input ends, or is silent for `SILENCE_S` (the harness sends something
every few seconds), it kills what it started, deletes the run's packet-filter table, and ends. So a harness
that dies in any way, or a connection that breaks, leaves no process and no rule behind; only the run's
folder stays, since it may hold a node's data, until `remove` or `sweep`.

Every process here carries the run's token in its environment (`ACKPROOF_RUN`, see ledger.py), so what
an agent that was itself killed has left is found by the next one: `serve` ends it before it begins.

Where it may make control groups of version 2 (as root), each process of a node lives in one of its own, with
all that it starts (groups.py says why); elsewhere signals are for the process group that it leads.

Where it runs as root by way of sudo, nodes run as the user that logged in, and commands as root.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zlib
from typing import Any

TOKEN_VARIABLE = "ACKPROOF_RUN"  # noqa: S105 (a variable's name)
OWN_FOLDER = ".ackproof"
SHARED_NAME = "ackproof-"
"""Before the token, in the name of a run's shared memory."""
SILENCE_S = 30.0
SWEEP_BOUND_S = 10.0
GRACE_S = 5.0
"""How long what a process started may go on after it was asked to end, and has."""
WAITING = ("/bin/sh", "-c", 'kill -STOP $$ && exec "$@"', "sh")
"""Before an argument list: it begins only after a SIGCONT."""
TOOLS = ("nft", "ss", "tc", "fusermount3", "tcpdump", "prlimit")
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class Agent:
    """Serves one connection of the harness."""

    def __init__(self, token: str, table: str, folder: str = "") -> None:
        self.token = token
        self.table = table
        self.folder = folder
        self.children: dict[int, subprocess.Popen[bytes]] = {}
        self.groups: dict[int, str] = {}
        """By process of a node: the control group of it and what it started."""
        self.grace: dict[int, float] = {}
        """By process that was asked to end: until when what it started may go on after it."""
        self.ending: dict[int, int] = {}
        """By process that has ended, while what it started lives: its exit status."""
        self.login = (int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])) if self._by_sudo() else None
        self.output = threading.Lock()

    @staticmethod
    def _by_sudo() -> bool:
        return os.geteuid() == 0 and int(os.environ.get("SUDO_UID", "0")) != 0

    def serve(self) -> None:
        """Answer until the input ends or is silent; then leave nothing running."""
        end_group(group_path(self.token))
        end_carriers(self.token)
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.say({"event": "hello", **self.facts()})
        pending, heard_at = b"", time.monotonic()
        try:
            while time.monotonic() - heard_at < SILENCE_S:
                ready, _, _ = select.select([0, woken], [], [], 0.02 if self.ending else 1.0)
                if woken in ready:
                    os.read(woken, 4096)
                self.reap()
                if 0 in ready:
                    data = os.read(0, 1 << 16)
                    if not data:
                        break
                    heard_at = time.monotonic()
                    *lines, pending = (pending + data).split(b"\n")
                    for line in lines:
                        self.answer(json.loads(line))
        except BrokenPipeError:
            pass  # the harness is gone
        finally:
            left = clear(self.token, self.folder, self.table)
            if left:
                print(could_not_remove(left), file=sys.stderr)  # noqa: T201 - the harness keeps this output

    def say(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        with self.output:
            while data:
                data = data[os.write(1, data) :]

    def answer(self, asked: dict[str, Any]) -> None:
        number, do = asked.pop("n"), asked.pop("do")
        if do == "run":  # may take long; the rest goes on meanwhile
            threading.Thread(target=self.reply, args=(number, do, asked), daemon=True).start()
        else:
            self.reply(number, do, asked)

    def reply(self, number: int, do: str, asked: dict[str, Any]) -> None:
        try:
            result = {"n": number, "ok": getattr(self, "do_" + do)(**asked)}
        except (OSError, ValueError, KeyError, subprocess.SubprocessError, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            where = getattr(error, "filename", None)
            result = {"n": number, "error": f"{reason}: {where}" if where else reason}
        with contextlib.suppress(BrokenPipeError):  # the main thread sees the end too
            self.say(result)

    def reap(self) -> None:
        """Report what has become of the processes that were started here."""
        for pid in list(self.children):
            while pid in self.children:
                try:
                    found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
                except ChildProcessError:  # `remove` has ended and reaped it
                    del self.children[pid]
                    break
                if not found:
                    break
                if os.WIFSTOPPED(status):
                    self.say({"event": "stopped", "pid": pid})
                elif os.WIFCONTINUED(status):
                    self.say({"event": "continued", "pid": pid})
                else:
                    del self.children[pid]
                    self.ending[pid] = os.waitstatus_to_exitcode(status)
        for pid in list(self.ending):
            if self.is_over(pid):
                self.say({"event": "ended", "pid": pid, "status": self.ending.pop(pid)})

    def is_over(self, pid: int) -> bool:
        """Whether nothing lives of what an ended process had started; what has had its time is killed."""
        if pid in self.groups and members(self.groups[pid]):
            if time.monotonic() > self.grace.get(pid, 0.0):
                kill_group(self.groups[pid])
            return False
        self.grace.pop(pid, None)
        group = self.groups.pop(pid, None)
        if group is not None:
            remove_group(group)
        return True

    # ---- what can be asked ----------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        return {
            "root": os.geteuid() == 0,
            "python": list(sys.version_info[:3]),
            "implementation": sys.implementation.name,
            "machine": platform.machine(),
            "libc": platform.libc_ver()[0],
            "system": platform.system(),
            "tools": [tool for tool in TOOLS if shutil.which(tool, path=search_path())],
            "faketime": faketime(),
            "fuse": has_fuse(),
            "changes_groups": read("/proc/self/setgroups") != "deny",
            "core_pattern": read("/proc/sys/kernel/core_pattern"),
            "boot": read("/proc/sys/kernel/random/boot_id"),
            "shaping": can_shape("pfifo") if os.geteuid() == 0 else None,
            "netem": can_shape("netem delay 1ms") if os.geteuid() == 0 else None,
        }

    def do_facts(self) -> dict[str, Any]:
        return self.facts()

    def do_ping(self) -> None:
        """Do nothing; the answer shows that the agent lives."""

    def do_free(self, folder: str) -> int:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize

    def do_start(
        self,
        argv: list[str],
        log: str,
        folder: str,
        environment: dict[str, str],
        as_commands: bool = False,
        group: bool = False,
    ) -> dict[str, Any]:
        own = self.new_group() if group and is_program(argv[0], folder) else None
        with open(log, "ab") as output:
            self.own(log)
            as_login: dict[str, Any] = (
                {} if self.login is None or as_commands else {"user": self.login[0], "group": self.login[1]}
            )
            process = subprocess.Popen(  # noqa: S603 - an argument list, and a shell with fixed text
                argv if own is None else [*WAITING, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env={**os.environ, **environment},
                start_new_session=True,
                **as_login,
            )
        process.returncode = 0  # `reap` waits for it; Popen shall not
        self.children[process.pid] = process
        if own is not None:
            self.join(process.pid, own)
        return {"pid": process.pid, "started": started(process.pid)}

    def do_signal(self, pid: int, number: int) -> bool:
        """Signal a process that was started here and not waited for yet, and what it has started.

        Its number is still its own, and it leads a process group.
        """
        if number == signal.SIGTERM:
            self.grace[pid] = time.monotonic() + GRACE_S
        elif number == signal.SIGKILL:
            self.grace.pop(pid, None)
        others = members(self.groups[pid]) if pid in self.groups else []
        if pid in self.children:
            os.killpg(pid, number)
        for other in others:
            if group_of(other) != pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(other, number)
        return pid in self.children

    def do_family(self, pid: int) -> list[list[Any]]:
        """A process that was started here, and what it has started, as numbers and times of their starts."""
        known = members(self.groups[pid]) if pid in self.groups else []
        return [[one, started(one)] for one in dict.fromkeys([pid, *known]) if started(one)]

    def do_stop_rest(self, pid: int) -> bool:
        """Stop what is not stopped of a family; whether all was."""
        running = [one for one in members(self.groups.get(pid, "")) if state(one) not in "TZX"]
        for one in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
        return not running

    def new_group(self) -> str | None:
        """A control group for one more process; None where there are none."""
        if not group_path(self.token):
            return None
        path = os.path.join(group_path(self.token), str(time.monotonic_ns()))
        try:
            os.makedirs(path, exist_ok=True)
        except OSError:
            return None
        return path

    def join(self, pid: int, group: str) -> None:
        """Put a process that waits for it into its control group, and let its program begin."""
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        try:
            with open(os.path.join(group, "cgroup.procs"), "w") as processes:
                processes.write(str(pid))
            self.groups[pid] = group
        except OSError:
            remove_group(group)  # a kernel that has them and refuses
        os.kill(pid, signal.SIGCONT)

    def do_run(self, argv: list[str], given: str, bound_s: float) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            argv,
            input=given.encode(),
            capture_output=True,
            timeout=bound_s,
            check=False,
            env={**os.environ, "PATH": search_path()},
        )
        return {
            "status": done.returncode,
            "output": done.stdout.decode(errors="replace"),
            "errors": done.stderr.decode(errors="replace"),
        }

    def do_mkdir(self, folder: str) -> None:
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for path in reversed(missing):
            os.mkdir(path)
            self.own(path)

    def do_names(self, folder: str) -> list[str]:
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def do_tail(self, log: str, lines: int) -> list[str]:
        if not os.path.exists(log):
            return []
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 500 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]

    def do_unpack(self, archive: str, folder: str) -> None:
        with tarfile.open(archive) as tar:
            # The harness itself packed it; a second guard where this Python has one (3.11.4, and later).
            if hasattr(tarfile, "data_filter"):
                tar.extraction_filter = tarfile.data_filter
            tar.extractall(folder)  # noqa: S202 (see above)
        os.remove(archive)
        if self.login is not None:
            for base, _, files in os.walk(folder):
                for path in [base, *(os.path.join(base, name) for name in files)]:
                    self.own(path)

    def do_pack(self, folder: str, archive: str) -> None:
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            tar.add(folder, arcname=".")
        self.own(archive)

    def do_remove(self, folder: str) -> None:
        left = clear(self.token, folder, self.table)
        if left:
            raise OSError(could_not_remove(left))
        remove_folder(folder)

    def own(self, path: str) -> None:
        if self.login is not None:
            os.chown(path, *self.login)


def search_path() -> str:
    """A PATH that also has the superuser's tools, which a login may lack."""
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


def faketime() -> str | None:
    """The path of libfaketime, if it is installed."""
    return next(iter(sorted(glob.glob(FAKETIME))), None)


def has_fuse() -> bool:
    """Whether file systems of ours can be mounted: root opens /dev/fuse itself, for others fusermount3 does.

    Root in a user namespace (rootless.py) may lack the right, and has no fusermount3 that is root.
    """
    return os.access("/dev/fuse", os.R_OK | os.W_OK) if os.geteuid() == 0 else os.path.exists("/dev/fuse")


def can_shape(leaf: str) -> bool:
    """Whether the kernel has what netem.py needs for such a leaf, tried in a namespace of its own.

    With one root for the whole, a filter, a class and a leaf, since a kernel may have some of them.
    """
    script = f"""qdisc add dev lo root handle 1: htb default 0
class add dev lo parent 1: classid 1:1 htb rate 1gbit quantum 60000
qdisc add dev lo parent 1:1 {leaf}
filter add dev lo parent 1: protocol ip prio 1 u32 match ip dst 127.0.0.1/32 flowid 1:1
"""
    try:
        done = subprocess.run(
            ["unshare", "--net", "tc", "-batch", "-"],  # noqa: S607 - found by PATH, as root's
            input=script.encode(),
            capture_output=True,
            check=False,
            env={**os.environ, "PATH": search_path()},
        )
    except OSError:
        return False
    return done.returncode == 0


def clear(token: str, folder: str, table: str) -> list[str]:
    """Remove all that a run has on this host, except its folder; what is still there afterwards, in words.

    It looks again afterwards, since a removal also fails if the thing was gone meanwhile.
    """
    end_group(group_path(token))
    end_carriers(token)
    unmount_below(folder)
    remove_shared(token)
    delete_tables(table)
    delete_qdiscs(table)
    return [
        *(f"process {pid}" for pid in {*carriers(token), *members(group_path(token))}),
        *(f"mount {mounted}" for mounted in mounts_below(folder)),
        *(f"packet-filter table {name}" for name in own_tables(table)),
        *(f"queueing discipline at {device}" for device in shaped_devices(table)),
    ]


def could_not_remove(left: list[str]) -> str:
    return f"could not be removed: {', '.join(left)}; remove it by hand"


def group_path(token: str) -> str:
    """The control group of all that a run has on this host; empty where none can be made.

    It lies in the uppermost group that can be seen, so that a later agent, of another login, finds it.
    """
    mounts = [line.split(" ") for line in read("/proc/self/mounts").splitlines()]
    at = next((words[1] for words in mounts if words[2] == "cgroup2"), "")
    usable = at and os.access(at, os.W_OK) and os.access(os.path.join(at, "cgroup.procs"), os.W_OK)
    return os.path.join(at, f"ackproof-{token}") if usable else ""


def members(group: str) -> list[int]:
    """The processes in a control group, and in the groups in it."""
    lists = [read(os.path.join(base, "cgroup.procs")) for base, _, _ in os.walk(group)] if group else []
    return [int(number) for numbers in lists for number in numbers.split()]


def kill_group(group: str) -> None:
    """SIGKILL all in a control group: at once, or one after another where the kernel is older than 5.14."""
    try:
        with open(os.path.join(group, "cgroup.kill"), "w") as kill:
            kill.write("1")
    except FileNotFoundError:
        for pid in members(group):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def remove_group(group: str) -> None:
    """Remove a control group in which no process lives, and the groups in it."""
    for base, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(base)


def end_group(group: str) -> None:
    """Kill all in a control group, and remove it."""
    deadline = time.monotonic() + SWEEP_BOUND_S
    while group and os.path.exists(group) and time.monotonic() < deadline:
        kill_group(group)
        remove_group(group)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def is_program(program: str, folder: str) -> bool:
    """Whether it can be started; if not, starting it gives the error."""
    path = os.path.join(folder, program) if os.sep in program else program
    return shutil.which(path) is not None


def carriers(token: str) -> list[int]:
    """The processes that carry the token, except this one and its parent."""
    wanted = f"{TOKEN_VARIABLE}={token}".encode()
    return [pid for pid in pids() if wanted in (read_bytes(f"/proc/{pid}/environ") or b"").split(b"\0")]


def end_carriers(token: str) -> None:
    """SIGKILL every process that carries the token, until two looks find none, or for SWEEP_BOUND_S."""
    deadline = time.monotonic() + SWEEP_BOUND_S
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        found = carriers(token)
        for pid in found:
            with contextlib.suppress(
                ProcessLookupError, PermissionError
            ):  # `clear` looks whether it is there
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        quiet = 0 if found else quiet + 1
        time.sleep(0.02)  # for the kernel to end them, and for a child begun meanwhile to show


def pids() -> list[int]:
    ours = {os.getpid(), os.getppid()}
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) not in ours]


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on: state, parent, group, ...; empty if there is none."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def started(pid: int) -> str:
    """Clock ticks since boot: field 22."""
    return stat(pid)[19] if stat(pid) else ""


def state(pid: int) -> str:
    """R, S, T, ...; X if there is no such process."""
    return (stat(pid) or "X")[0]


def group_of(pid: int) -> int:
    """The process group."""
    return int(stat(pid)[2]) if stat(pid) else 0


def read_bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None  # ended meanwhile, or another user's


def read(path: str) -> str:
    return (read_bytes(path) or b"").decode(errors="replace").strip()


def own_tables(table: str) -> list[str]:
    """Our own packet-filter tables that are there: this one, and those called TABLE_..."""
    nft = shutil.which("nft", path=search_path())
    if not nft or os.geteuid() != 0:
        return []
    # Where the kernel has no packet filter this fails, and there is no table.
    listed = subprocess.run([nft, "list", "tables", "inet"], capture_output=True, check=False)  # noqa: S603 - an argument list, no shell
    names = [line.split()[-1] for line in listed.stdout.decode().splitlines() if line.strip()]
    return [name for name in names if name == table or name.startswith(table + "_")]


def delete_tables(table: str) -> None:
    """Delete the run's own packet-filter tables."""
    for name in own_tables(table):
        remove_by("nft", "delete", "table", "inet", name)


def handle_of(table: str) -> int:
    """The major number of a run's qdiscs; the kernel gives out those from 8000 on by itself."""
    return 0x4000 | zlib.crc32(table.encode()) & 0x3FFF


def shaped_devices(table: str) -> list[str]:
    """The devices whose root is one of the run's."""
    tc = shutil.which("tc", path=search_path())
    if not tc or os.geteuid() != 0:
        return []
    # Where the kernel has no shaping this fails, and there is no root.
    listed = subprocess.run([tc, "-j", "qdisc", "show"], capture_output=True, check=False)  # noqa: S603 - an argument list, no shell
    try:
        found = json.loads(listed.stdout or b"[]")
    except ValueError:  # a tc without JSON, with which netem.py cannot have worked
        return []
    handle = f"{handle_of(table):x}:"
    return [one["dev"] for one in found if one.get("handle") == handle and one.get("root")]


def delete_qdiscs(table: str) -> None:
    """Delete the roots that the run has put at devices, and with each all below it."""
    for device in shaped_devices(table):
        remove_by("tc", "qdisc", "del", "dev", device, "root", "handle", f"{handle_of(table):x}:")


def mounts_below(folder: str) -> list[str]:
    """What is mounted below a run's folder."""
    at = [line.split(" ")[1] for line in read("/proc/self/mounts").splitlines()]
    mounts = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), path) for path in at]  # as a space
    return [mounted for mounted in mounts if folder and mounted.startswith(folder + "/")]


def unmount_below(folder: str) -> None:
    """Unmount what a run mounted below its folder; the process that served the mount is dead."""
    how = ["umount", "--lazy"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
    for mounted in mounts_below(folder):
        remove_by(*how, mounted)


def remove_by(name: str, *arguments: str) -> None:
    """Let a tool remove something; `clear` looks whether it is gone."""
    tool = shutil.which(name, path=search_path())
    if tool:
        subprocess.run([tool, *arguments], capture_output=True, check=False)  # noqa: S603 - an argument list, no shell


def remove_shared(token: str) -> None:
    """Remove the shared memory, and its semaphore, that a run's node had for its clock."""
    for prefix in ("", "sem."):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"/dev/shm/{prefix}{SHARED_NAME}{token}")  # noqa: S108 - where glibc keeps them


def remove_folder(folder: str) -> None:
    """Remove the run's folder, and the one above it if that is ours too and holds no other run's."""
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    above = os.path.dirname(folder)
    if os.path.basename(above) == OWN_FOLDER:
        with contextlib.suppress(OSError):
            os.rmdir(above)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["serve", "sweep"])
    parser.add_argument("--table", required=True)
    parser.add_argument("--folder", required=True)
    given = parser.parse_args()
    token = os.environ[TOKEN_VARIABLE]
    if given.mode == "serve":
        Agent(token, given.table, given.folder).serve()
    else:
        left = clear(token, given.folder, given.table)
        if left:
            sys.exit(could_not_remove(left))
        remove_folder(given.folder)


if __name__ == "__main__":
    main()
