"""A program that damages a stopped node's files, and puts them right again.

Run on the node's host as `python -c SOURCE WHAT DATA ASIDE DRAW RECORDS PATTERN...`, so it is one file of the
standard library (Python 3.9). It prints one JSON object that says what it found and did. It keeps what it may
have to put back in the folder ASIDE. RECORDS are the numbers of `LogRecords` (harness/systems/base.py) as
JSON, or `null`.

It chooses a live file: of those that a pattern matches (one of the patterns, which is drawn) the one that was
written last; with the pattern `**/*`, which says nothing, the largest one, which is mostly a system's log. It
is never a lock, nor a file that holds a process's number. Zeros at the end of a file are room that was taken
beforehand, and nothing that was written.

`torn`      leaves a write at the end of the file that did not complete. Without RECORDS, the file gets longer
            by zero bytes: a crash when its length was written, and its bytes were not. With them, a record
            begins where the last one ends, and its bytes stop at the next sector of the disk.
`is-torn`   says whether what `torn` left is still there as it was; then the node may not have read it
`rot`       flips one bit of what was written, and keeps the file as it was
`dropped`   says how many bytes the node has dropped since that lay behind the byte in which `rot` flipped one
`repair`    puts back what `rot` kept
`truncate`  cuts off the last tenth, or 100 bytes, of what was written
`backup`    keeps a copy of the whole folder
`restore`   puts that copy in the folder's place
"""

from __future__ import annotations

import glob
import json
import os
import random
import re
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""
KEPT, COPY, TORN = "kept", "copy", "torn.json"
ANYTHING = "**/*"
LOCKS = re.compile(r"^\.?lock$|\.(lock|lck|pid)$", re.IGNORECASE)
MOST_TORN_BYTES = 2000
SECTOR_BYTES = 512
FEWEST_BYTES_TO_TELL = 16
"""Fewer zeros than these may also be the beginning of what the node has written there since."""
LEAST_CUT_BYTES = 100


def main(what: str, data: str, aside: str, draw: int, records: str, *patterns: str) -> dict[str, object]:
    """Do what the arguments say; what was done, for the answer."""
    os.makedirs(aside, exist_ok=True)
    chance = random.Random(draw)
    if what == "backup":
        copy = os.path.join(aside, COPY)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(data, copy, symlinks=True, ignore=special_files)
        return {"bytes": size_of(data)}
    if what == "restore":
        before = size_of(data)
        empty(data)
        shutil.copytree(os.path.join(aside, COPY), data, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(os.path.join(aside, COPY))
        sync(data)
        return {"bytes_before": before, "bytes": size_of(data)}
    if what == "repair":
        with open(os.path.join(aside, KEPT + ".json")) as file_of_facts:
            path = os.path.join(data, json.load(file_of_facts)["file"])
        with open(os.path.join(aside, KEPT), "rb") as kept:
            write(path, kept.read())
        return {"file": os.path.relpath(path, data)}
    if what == "dropped":
        return {"dropped_bytes": dropped(data, os.path.join(aside, KEPT))}
    if what == "is-torn":
        return {"is_torn": is_torn(data, os.path.join(aside, TORN))}
    path = live_file(data, patterns or (ANYTHING,), chance)
    with open(path, "rb") as file:
        content = file.read()
    written = len(content.rstrip(b"\0"))
    facts: dict[str, object] = {"file": os.path.relpath(path, data), "size": written}
    if what == "torn":
        framing = json.loads(records)
        if framing is None and len(content) - written > MOST_TORN_BYTES:
            raise SystemExit(f"{path} has room taken beforehand: a torn write there is zeros, as it is now")
        if framing is None:
            at, torn = len(content), bytes(chance.randint(1, MOST_TORN_BYTES))
        else:
            at, torn = torn_record(path, content, framing, chance)
        with open(os.path.join(aside, TORN), "w") as file_of_facts:
            json.dump({"file": facts["file"], "at": at, "torn": torn.hex()}, file_of_facts)
        write(path, content[:at] + torn + content[at + len(torn) :])
        return {**facts, "at": at, "added_bytes": len(torn)}
    if what == "truncate":
        cut = min(written, max(LEAST_CUT_BYTES, written // 10))
        write(path, content[: written - cut])
        return {**facts, "cut_bytes": cut}
    if what == "rot":
        with open(os.path.join(aside, KEPT), "wb") as kept:
            kept.write(content)
        byte, bit = chance.randrange(written), chance.randrange(8)
        with open(os.path.join(aside, KEPT + ".json"), "w") as file_of_facts:
            json.dump({**facts, "byte": byte}, file_of_facts)
        damaged = bytearray(content)
        damaged[byte] ^= 1 << bit
        write(path, bytes(damaged))
        return {**facts, "byte": byte, "bit": bit}
    raise SystemExit(f"nothing is called {what}")


def torn_record(
    path: str, content: bytes, framing: dict[str, Any], chance: random.Random
) -> tuple[int, bytes]:
    """Where the last record of a log ends, and the beginning of a further one.

    Its bytes are those of the record before it, up to the next sector. The rest of it, at least one sector,
    is the zeros that were there.
    """
    head, order, padded_to = framing["length_bytes"], framing["order"], framing["padded_to"]
    counted = (1 << framing["length_bits"]) - 1
    at, last = 0, b""
    while size := int.from_bytes(content[at : at + head], order) & counted:
        last = content[at + head : at + head + size]
        at += head + -(-size // padded_to) * padded_to
        if at > len(content):
            raise SystemExit(f"{path} ends within a record: its records are not as the system says")
    size = chance.randrange(2 * SECTOR_BYTES, 4 * SECTOR_BYTES) // padded_to * padded_to
    room = content[at : at + head + size]
    if len(room) < head + size:
        raise SystemExit(f"{path} has no room for a further record")
    if not last or room.strip(b"\0"):
        raise SystemExit(f"{path} has no records and then zeros: its records are not as the system says")
    begun = SECTOR_BYTES - (at + head) % SECTOR_BYTES
    return at, size.to_bytes(head, order) + last[:begun]


def is_torn(data: str, kept: str) -> bool:
    """Whether the torn end of a file is still there: what a node cuts off, or writes over, it has read."""
    with open(kept) as file_of_facts:
        facts = json.load(file_of_facts)
    torn = bytes.fromhex(facts["torn"])
    try:
        with open(os.path.join(data, facts["file"]), "rb") as file:
            file.seek(facts["at"])
            rest = file.read()
    except FileNotFoundError:
        return False
    return rest.startswith(torn) and (len(torn) >= FEWEST_BYTES_TO_TELL or rest == torn)


def dropped(data: str, kept: str) -> int:
    """How many of the bytes that were written behind the flipped one are gone.

    A node that cuts its log at the flipped bit keeps what stands well before it, and leaves nothing of what
    came next as it was. One that has cut off or replaced a later part only did it for another reason; one
    that has written the whole file again, as of an index, or whose file has gone, may hold its content
    elsewhere: all these have dropped nothing that can be shown.
    """
    with open(kept + ".json") as file_of_facts:
        facts = json.load(file_of_facts)
    with open(kept, "rb") as file:
        content = file.read()
    # The record with the bit may begin some way before it.
    before, behind = content[: facts["byte"] // 2], content[facts["byte"] + 1 : facts["size"]]
    try:
        with open(os.path.join(data, facts["file"]), "rb") as file:
            is_the_same_file = before.startswith(file.read(len(before)))  # or what is left of it
            file.seek(facts["byte"] + 1)
            now = file.read(SECTOR_BYTES)
    except FileNotFoundError:
        return 0
    if not is_the_same_file or now == behind[:SECTOR_BYTES] or now.startswith(behind):
        return 0
    return len(behind)


def live_file(data: str, patterns: Sequence[str], chance: random.Random) -> str:
    """The file below a folder that is to be damaged."""
    found = {pattern: paths for pattern in patterns if (paths := matching(data, pattern))}
    if not found:
        raise SystemExit(f"{data} holds no file with anything in it that matches {' or '.join(patterns)}")
    chosen = next(iter(found)) if len(found) == 1 else chance.choice(list(found))
    if chosen == ANYTHING:
        return max(found[chosen], key=os.path.getsize)
    return max(found[chosen], key=lambda path: os.stat(path).st_mtime_ns)


def matching(data: str, pattern: str) -> list[str]:
    """The files that a pattern matches, by path, that are no locks, and in which anything was written."""
    paths = glob.glob(os.path.join(glob.escape(data), pattern), recursive=True)
    return sorted(
        path
        for path in paths
        if os.path.isfile(path)
        and not os.path.islink(path)
        and not LOCKS.search(os.path.basename(path))
        and has_content(path)
    )


def has_content(path: str) -> bool:
    """Whether any byte of a file is not zero."""
    with open(path, "rb") as file:
        return any(piece.strip(b"\0") for piece in iter(lambda: file.read(1 << 20), b""))


def special_files(folder: str, names: Sequence[str]) -> list[str]:
    """The names in a folder that no copy is made of: sockets, pipes and devices."""
    modes = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
    return [
        name
        for name, mode in modes.items()
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
    ]


def size_of(data: str) -> int:
    """The number of bytes below a folder."""
    return sum(
        os.lstat(os.path.join(base, name)).st_size for base, _, names in os.walk(data) for name in names
    )


def empty(data: str) -> None:
    """Remove what is in a folder, but not the folder, since a disk may be mounted over it."""
    for entry in list(os.scandir(data)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.remove(entry.path)


def write(path: str, content: bytes) -> None:
    """Write a file in place, so that owner and rights stay, and durably."""
    with open(path, "r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def sync(folder: str) -> None:
    """Make all below a folder durable."""
    for base, _, names in os.walk(folder):
        for path in [*(os.path.join(base, name) for name in names), base]:
            if os.path.islink(path):
                continue
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)


if __name__ == "__main__":
    done = main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
    print(json.dumps(done))  # noqa: T201 - its output is the answer
