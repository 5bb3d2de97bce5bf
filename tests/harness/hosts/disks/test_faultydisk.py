"""A faulty disk does to programs what is asked of it, as those programs see it, and leaves no mount."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import mmap
import os
import random
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cluster.ports import free_ports
from harness.hosts.disks.diskmessages import Behave, DiskState
from harness.hosts.disks.disks import MountedDisk
from harness.hosts.host import HostError, eventually
from harness.hosts.ledger import Ledger, clean
from harness.hosts.local import LocalHost, tail
from harness.hosts.removal import is_mounted
from tests.harness.systems.etcd.here import etcd_here, needs_etcd

needs_fuse = pytest.mark.skipif(
    not os.path.exists("/dev/fuse") or shutil.which("fusermount3") is None, reason="no FUSE here"
)
pytestmark = needs_fuse
SYNCED, LATER = b"synced", b" and more that is not"


def on_disk(
    tmp_path: Path, body: Callable[[MountedDisk, Path], Awaitable[None]], *, names_by_fsync: bool = False
) -> Path:
    """Do something on a faulty disk, which is unmounted then; the folder that it lay over."""
    folder = tmp_path / "a folder"
    folder.mkdir()

    async def run() -> None:
        with Ledger("disk", tmp_path / "ledgers") as ledger:
            async with LocalHost(ledger, time.monotonic_ns) as host:
                disk = disk_over(host, folder, tmp_path, names_by_fsync=names_by_fsync)
                await disk.mount()
                try:
                    assert is_mounted(str(folder))
                    await body(disk, folder)
                finally:
                    await disk.unmount()

    asyncio.run(run())
    assert not is_mounted(str(folder))
    assert list((tmp_path / "ledgers").iterdir()) == []
    return folder


def disk_over(host: LocalHost, folder: Path, tmp_path: Path, *, names_by_fsync: bool = False) -> MountedDisk:
    return MountedDisk(
        host,
        folder,
        log=tmp_path / "disk.txt",
        python=sys.executable,
        environment={},
        names_by_fsync=names_by_fsync,
    )


def append(path: Path, data: bytes, *, sync: bool) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, data)
        if sync:
            os.fdatasync(file)
    finally:
        os.close(file)


def sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


def test_a_loss_of_power_takes_what_a_program_did_not_sync_and_nothing_else(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        append(folder / "log", SYNCED, sync=True)
        sync_folder(folder)
        append(folder / "log", LATER, sync=False)
        append(folder / "other", b"its name was never synced", sync=True)
        assert (folder / "log").read_bytes() == SYNCED + LATER, "a kernel shows what it holds"
        assert (await disk.state()).unsynced_bytes == len(LATER)
        kept = set()
        for draw in range(12):
            await disk.lose_power(draw)
            kept.add((folder / "log").read_bytes())
            assert os.listdir(folder) == ["log"]
            os.truncate(folder / "log", len(SYNCED))
            append(folder / "log", b"", sync=True)
            append(folder / "log", LATER, sync=False)
        assert {data[: len(SYNCED)] for data in kept} == {SYNCED}
        assert kept >= {SYNCED, SYNCED + LATER}
        append(folder / "log", b"!", sync=True)

    folder = on_disk(tmp_path, body)
    assert (folder / "log").read_bytes() == SYNCED + LATER + b"!", "it lies where it always lies"


def test_a_full_disk_takes_a_part_of_a_write_and_then_none_until_there_is_room(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        append(folder / "log", SYNCED, sync=True)
        await disk.behave(Behave(room_bytes=3))
        append(folder / "log", b"12345", sync=True)
        assert (folder / "log").read_bytes() == SYNCED + b"123"
        with pytest.raises(OSError, match="No space left") as refused:
            append(folder / "log", b"12345", sync=True)
        assert refused.value.errno == errno.ENOSPC
        with pytest.raises(OSError, match="No space left"):
            append(folder / "new", b"", sync=False)
        assert os.statvfs(folder).f_bavail == 0
        assert (await disk.state()).refused == 2
        await disk.behave(Behave())
        append(folder / "log", b"45", sync=True)
        assert (folder / "log").read_bytes() == SYNCED + b"12345"

    on_disk(tmp_path, body)


def test_an_fsync_that_fails_loses_what_it_was_to_make_durable(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        append(folder / "log", SYNCED, sync=True)
        await disk.behave(Behave(failing="fsync"))
        with pytest.raises(OSError, match="Input/output error"):
            append(folder / "log", LATER, sync=True)
        assert (folder / "log").read_bytes() == SYNCED
        await disk.behave(Behave(failing="write"))
        with pytest.raises(OSError, match="Input/output error"):
            append(folder / "log", LATER, sync=False)
        assert (await disk.state()).refused == 2

    on_disk(tmp_path, body)


def test_a_slow_disk_takes_as_much_longer_as_asked(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        await disk.behave(Behave(delay_ms=150))
        began = time.monotonic()
        append(folder / "log", SYNCED, sync=True)
        assert time.monotonic() - began >= 0.3, "a write and an fsync"
        assert (await disk.state()).delayed == 2

    on_disk(tmp_path, body)


def test_the_state_is_that_of_one_moment_although_it_changes_meanwhile(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        control = os.open(folder / ".ackproof", os.O_RDONLY)
        first = os.read(control, 20)
        append(folder / "log", bytes(100_000), sync=False)
        rest = os.read(control, 1000)
        assert os.read(control, 1000) == b""
        os.close(control)
        assert msgspec.json.decode(first + rest, type=DiskState).unsynced_bytes == 0
        assert (await disk.state()).unsynced_bytes == 100_000

    on_disk(tmp_path, body)


def test_what_it_cannot_do_is_an_error(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        assert os.listdir(folder) == [], "its control file is in no listing"
        with pytest.raises(OSError, match="Invalid argument"):
            append(folder / ".ackproof", b'{"type":"explode"}', sync=False)

    on_disk(tmp_path, body)


def test_a_program_may_map_its_files_and_what_it_wrote_so_is_durable_once_it_is_synced(
    tmp_path: Path,
) -> None:
    """As bbolt does, etcd's store: it writes by calls and reads by a map; and as LMDB does, by both."""

    async def body(disk: MountedDisk, folder: Path) -> None:
        path = folder / "mapped"
        append(path, bytes(8192), sync=True)
        sync_folder(folder)
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 8192) as mapped:
            os.pwrite(file.fileno(), b"by a call", 100)
            assert mapped[100:109] == b"by a call"
            mapped[5000:5008] = b"by a map"
            assert os.pread(file.fileno(), 8, 5000) == b"by a map"
            mapped.flush()
            os.fsync(file.fileno())
            mapped[200:205] = b"later"
        await disk.lose_power(0)
        content = path.read_bytes()
        assert (content[100:109], content[5000:5008]) == (b"by a call", b"by a map")
        assert content[200:205] in (b"later", bytes(5))
        assert sum(map(bool, content)) <= 9 + 8 + 5

    on_disk(tmp_path, body)


def test_folders_are_renamed_links_are_made_and_room_is_taken_and_all_of_it_can_be_lost(
    tmp_path: Path,
) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        (folder / "old").mkdir()
        append(folder / "old/log", SYNCED, sync=True)
        sync_folder(folder)
        sync_folder(folder / "old")
        (folder / "old").rename(folder / "new")
        os.link(folder / "new/log", folder / "again")
        (folder / "to").symlink_to("new/log")
        with (folder / "to").open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 10_000)
        assert (folder / "again").stat().st_size == 10_000
        assert (folder / "again").stat().st_nlink == 2
        assert (folder / "to").read_bytes()[:6] == SYNCED
        (folder / "new/log").unlink()
        (folder / "made/inside").mkdir(parents=True)
        with pytest.raises(OSError, match="not empty"):
            (folder / "made").rmdir()
        found = await disk.lose_power(0)
        assert found.names > 3
        assert (os.listdir(folder), os.listdir(folder / "old")) == (["old"], ["log"])
        assert (folder / "old/log").read_bytes()[:6] == SYNCED

    folder = on_disk(tmp_path, body)
    assert sorted(os.listdir(folder)) == ["old"], "nothing of ours stays"


def test_power_that_is_cut_while_a_file_is_open_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def body(disk: MountedDisk, folder: Path) -> None:
        with (folder / "log").open("wb") as file:
            file.write(LATER)
            file.flush()
            with pytest.raises(HostError, match=r"refuses .*lose-power.*Device or resource busy"):
                await disk.lose_power(1)
            assert (folder / "log").read_bytes() == LATER
            assert (await disk.state()).lost is None
        await disk.lose_power(1)
        assert os.listdir(folder) == []

    on_disk(tmp_path, body)


@needs_etcd
def test_a_real_etcd_lives_on_it_and_keeps_what_it_acknowledged_before_each_loss_of_power(
    tmp_path: Path,
) -> None:
    """It maps its store, makes folders, renames its first log into place, and takes room beforehand."""
    client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    argv = [
        *(str(etcd_here()), "--data-dir", str(tmp_path / "a folder" / "etcd"), "--snapshot-count", "10"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}"),
    ]

    def call(path: str, **what: str) -> dict[str, Any]:
        sent = {name: base64.b64encode(value.encode()).decode() for name, value in what.items()}
        with urllib.request.urlopen(f"{client}/v3/{path}", json.dumps(sent).encode(), timeout=5) as reply:
            found: dict[str, Any] = json.load(reply)
            return found

    def answers() -> bool:
        try:
            return bool(call("maintenance/status"))
        except OSError:
            return False

    async def body(disk: MountedDisk, folder: Path) -> None:
        async with LocalHost(Ledger("etcd", tmp_path / "etcd"), time.monotonic_ns) as host:
            written = 0
            for life in range(2):
                etcd = await host.start("etcd", argv, log=tmp_path / "log", folder=tmp_path, group="etcd")
                assert await eventually(answers, 30), tail(tmp_path / "log", 5)
                for number in range(written):
                    assert call("kv/range", key=f"key {number}").get("count") == "1", f"of life {life}"
                for number in range(written, written + 15):
                    call("kv/put", key=f"key {number}", value="kept")
                written += 15
                assert await host.kill(etcd, "power")
                await disk.lose_power(life)

    on_disk(tmp_path, body, names_by_fsync=True)


def test_where_nothing_can_be_mounted_the_reason_is_given(tmp_path: Path) -> None:
    async def run() -> None:
        with Ledger("disk", tmp_path / "ledgers") as ledger:
            async with LocalHost(ledger, time.monotonic_ns) as host:
                await disk_over(host, tmp_path / "nowhere", tmp_path).mount()

    with pytest.raises(HostError, match=r"cannot be mounted over .*nowhere: .*No such file or directory"):
        asyncio.run(run())


def test_the_mount_of_a_harness_that_was_killed_is_removed_by_the_next_start(tmp_path: Path) -> None:
    folder, ledgers = tmp_path / "a folder", tmp_path / "ledgers"
    folder.mkdir()
    harness = os.fork()
    if not harness:
        asyncio.run(_mount_and_wait(folder, ledgers, tmp_path))
    deadline = time.monotonic() + 20
    while not is_mounted(str(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(harness, signal.SIGKILL)
    os.waitpid(harness, 0)
    assert is_mounted(str(folder))
    (removed,) = clean(ledgers)
    assert removed.things == (f"mount {folder}",)
    assert removed.problems == ()
    assert not is_mounted(str(folder))
    assert list(ledgers.iterdir()) == []


def test_a_harness_killed_at_any_instant_of_a_mount_leaves_none(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(8):
        folder, ledgers = tmp_path / f"folder {number}", tmp_path / f"ledgers {number}"
        folder.mkdir()
        harness = os.fork()
        if not harness:
            asyncio.run(_mount_and_wait(folder, ledgers, tmp_path))
        time.sleep(chance.uniform(0.0, 0.6))  # the instant is what varies
        os.kill(harness, signal.SIGKILL)
        os.waitpid(harness, 0)
        assert [removed.problems for removed in clean(ledgers)] in ([], [()])
        assert not is_mounted(str(folder))
        assert not ledgers.exists() or list(ledgers.iterdir()) == []


async def _mount_and_wait(folder: Path, ledgers: Path, tmp_path: Path) -> None:
    async with LocalHost(Ledger("doomed", ledgers), time.monotonic_ns) as host:
        await disk_over(host, folder, tmp_path).mount()
        await asyncio.Event().wait()
