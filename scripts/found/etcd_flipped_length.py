"""One flipped bit in the log of one etcd member: does it refuse to start, or forget what it acknowledged?

    python scripts/found/etcd_flipped_length.py PATH_OF_ETCD [--bit 30] [--back 60] [--seed 1] [ARGUMENT...]

Three members on loopback. While c is down, a and b acknowledge puts; both are killed. One bit of the length
of a record of a's log flips; a and c start, and b stays away. What c then reads linearizably is compared with
what was acknowledged (docs/found.md, etcd). The seed draws the bit and the record that are not given; what
follows are arguments of etcd. Takes half a minute; exits with 1 if writes were lost.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tempfile
from pathlib import Path

from etcd_members import PORTS, Members, keys, put, until, version_of
from saying import end_in_order, say

PUTS = 80
BITS, BACKS = (28, 40), (30, 75)
"""Between which bits of a length, and places of a record before the end, a seed draws: a length that goes
past the end of the file, and a record whose loss shows."""
_LENGTH_BITS = 56
"""Of the eight bytes before a record, this number of bits is its length; those above are its padding."""
SLOWLY = ["--heartbeat-interval", "200", "--election-timeout", "2000"]


def flip(log: Path, bit: int, back: int) -> int:
    """Flip one bit of the length of the record that is `back` records before the end; the file's records."""
    raw, at, begins = bytearray(log.read_bytes()), 0, []
    while length := struct.unpack_from("<q", raw, at)[0]:
        begins.append(at)
        padding = length >> _LENGTH_BITS & 7 if length < 0 else 0
        at += 8 + (length & (1 << _LENGTH_BITS) - 1) + padding
    raw[begins[-back] + bit // 8] ^= 1 << bit % 8
    log.write_bytes(raw)
    return len(begins)


def main() -> int:
    """Carry out the steps; 1 if acknowledged writes were lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--bit", type=int)
    parser.add_argument("--back", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given, more = parser.parse_known_args()
    draw = random.Random(given.seed)
    drawn = draw.randint(*BITS), draw.randint(*BACKS)
    bit = drawn[0] if given.bit is None else given.bit
    back = drawn[1] if given.back is None else given.back
    end_in_order()
    with tempfile.TemporaryDirectory(prefix="flipped-") as text:
        folder = Path(text)
        members = Members(given.binary, folder, [*SLOWLY, *more])
        try:
            for name in PORTS:
                members.start(name)
            if not until(lambda: put("a", "first")) or not until(lambda: "first" in (keys("c") or ())):
                sys.stderr.write("the members do not serve\n")
                return 255
            members.kill("c")
            until(lambda: put("a", "first"))
            acknowledged = {key for number in range(PUTS) if put("a", key := f"key-{number:03}")}
            members.kill("a", "b")
            (log,) = (folder / "a" / "member" / "wal").glob("*.wal")
            records = flip(log, bit, back)
            members.start("a")
            members.start("c")
            until(lambda: members.has_ended("a") is not None or put("c", "last"))
            shown = None if members.has_ended("a") is not None else keys("c")
            where = f"of {records} records of a's log, bit {bit} of the length of the last but {back} flipped"
            if members.has_ended("a") is not None:
                seen = f"{where}; a refused to start, with status {members.has_ended('a')}"
            elif shown is None:
                sys.stderr.write(f"{where}; a started, and c answers no read\n")
                return 255
            else:
                left = f"{len(acknowledged & shown)} of {len(acknowledged)} keys"
                seen = f"{where}; a started; c answers a linearizable read with {left} that were acknowledged"
            is_lost = shown is not None and not acknowledged <= shown
            return say(f"etcd {version_of(given.binary)}", "flipped-length", is_lost, seen)
        finally:
            members.kill(*members.running)


if __name__ == "__main__":
    sys.exit(main())
