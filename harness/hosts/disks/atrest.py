"""A program that damages a stopped node's files, and puts them right again.

Run on the node's host as `python -c SOURCE WHAT DATA ASIDE DRAW`, so it is one file of the standard library
(Python 3.9). It prints one JSON object that says what it found and did. It keeps what it may have to put back
in the folder ASIDE. It chooses the largest file below DATA, which is mostly a system's log.

`torn`      lengthens the file by zero bytes: a crash when its length was written, and its bytes were not
`rot`       flips one bit, and keeps the file as it was
`repair`    puts back what `rot` kept
`truncate`  cuts off the last tenth, or 100 bytes, of what was durable
`backup`    keeps a copy of the whole folder
`restore`   puts that copy in the folder's place
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from pathlib import Path

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""
KEPT, COPY = "kept", "copy"
MOST_TORN_BYTES = 2000
LEAST_CUT_BYTES = 100


def main(what: str, data: str, aside: str, draw: int) -> dict[str, object]:
    """Do what the arguments say; what was done, for the answer."""
    os.makedirs(aside, exist_ok=True)
    chance = random.Random(draw)
    if what == "backup":
        copy = os.path.join(aside, COPY)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(data, copy)
        return {"bytes": size_of(data)}
    if what == "restore":
        before = size_of(data)
        empty(data)
        shutil.copytree(os.path.join(aside, COPY), data, dirs_exist_ok=True)
        shutil.rmtree(os.path.join(aside, COPY))
        sync(data)
        return {"bytes_before": before, "bytes": size_of(data)}
    if what == "repair":
        with open(os.path.join(aside, KEPT + ".json")) as file_of_facts:
            path = os.path.join(data, json.load(file_of_facts)["file"])
        with open(os.path.join(aside, KEPT), "rb") as kept:
            write(path, kept.read())
        return {"file": os.path.relpath(path, data)}
    path = largest(data)
    with open(path, "rb") as file:
        content = file.read()
    facts: dict[str, object] = {"file": os.path.relpath(path, data), "size": len(content)}
    if what == "torn":
        more = chance.randint(1, MOST_TORN_BYTES)
        write(path, content + bytes(more))
        return {**facts, "added_bytes": more}
    if what == "truncate":
        cut = min(len(content), max(LEAST_CUT_BYTES, len(content) // 10))
        write(path, content[: len(content) - cut])
        return {**facts, "cut_bytes": cut}
    if what == "rot":
        with open(os.path.join(aside, KEPT), "wb") as kept:
            kept.write(content)
        with open(os.path.join(aside, KEPT + ".json"), "w") as file_of_facts:
            json.dump(facts, file_of_facts)
        byte, bit = chance.randrange(len(content)), chance.randrange(8)
        damaged = bytearray(content)
        damaged[byte] ^= 1 << bit
        write(path, bytes(damaged))
        return {**facts, "byte": byte, "bit": bit}
    raise SystemExit(f"nothing is called {what}")


def largest(data: str) -> str:
    """The largest file below a folder."""
    found = [os.path.join(base, name) for base, _, names in os.walk(data) for name in names]
    if not any(os.path.getsize(path) for path in found):
        raise SystemExit(f"{data} holds no file with anything in it")
    return max(sorted(found), key=os.path.getsize)


def size_of(data: str) -> int:
    """The number of bytes below a folder."""
    return sum(
        os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(data) for name in names
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
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))  # noqa: T201 - its output is the answer
