"""Writes transactions in each public format, for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

INITIAL_WRITE = 0xBEBEEBEE


class Txn(NamedTuple):
    """A transaction: its session, its steps (r or w, key, value), and whether it committed."""

    session: int
    steps: tuple[tuple[str, int, int], ...]
    committed: bool = True


def plume(txns: Sequence[Txn]) -> bytes:
    """A file of Plume's."""
    return b"".join(
        b"%s(%d,%d,%d,%d)\n" % (f.encode(), key, value, txn.session, number if txn.committed else -1)
        for number, txn in enumerate(txns)
        for f, key, value in txn.steps
    )


def bincode(txns: Sequence[Txn]) -> bytes:
    """A `history.bincode` of dbcop's."""
    whole = [struct.pack("<5Q", 1, 2, 3, 4, 5)]
    whole += [struct.pack("<Q", len(text)) + text for text in (b"info", b"2022-07-07T10:00:00Z", b"")]
    sessions = sorted({txn.session for txn in txns})
    whole.append(struct.pack("<Q", len(sessions)))
    for session in sessions:
        own = [txn for txn in txns if txn.session == session]
        whole.append(struct.pack("<Q", len(own)))
        for txn in own:
            whole.append(struct.pack("<Q", len(txn.steps)))
            whole += [
                struct.pack("<?QQ?", f == "w", key, value, txn.committed) for f, key, value in txn.steps
            ]
            whole.append(struct.pack("<?", txn.committed))
    return b"".join(whole)


def cobra(txns: Sequence[Txn], folder: Path) -> Path:
    """A folder of Cobra's logs."""
    folder.mkdir()
    for session in {txn.session for txn in txns}:
        records = []
        for number, txn in enumerate(txns):
            if txn.session != session:
                continue
            records.append(b"S" + struct.pack(">q", number))
            for f, key, value in txn.steps:
                if f == "w":
                    records.append(b"W" + struct.pack(">3q", value, key, 7))
                else:
                    records.append(b"R" + struct.pack(">4q", 0, value or INITIAL_WRITE, key, 7))
            records.append((b"C" if txn.committed else b"A") + struct.pack(">q", number))
        (folder / f"T{session}.log").write_bytes(b"".join(records))
    return folder


def awdit(txns: Sequence[Txn]) -> bytes:
    """A file of AWDIT's tests."""
    sessions = sorted({txn.session for txn in txns})
    return "=====\n".join(
        "-----\n".join(
            "".join(f"{f} {key} {value}\n" for f, key, value in txn.steps)
            for txn in txns
            if txn.session == session
        )
        for session in sessions
    ).encode()


def dbcop_text(txns: Sequence[Txn]) -> bytes:
    """A file of dbcop's text."""
    sign = {"w": ":=", "r": "=="}
    sessions = sorted({txn.session for txn in txns})
    return "---\n".join(
        "// a session\n"
        + "".join(
            f"[{' '.join(f'k{key}{sign[f]}{value}' for f, key, value in txn.steps)}]"
            f"{'' if txn.committed else '!'}\n"
            for txn in txns
            if txn.session == session
        )
        for session in sessions
    ).encode()
