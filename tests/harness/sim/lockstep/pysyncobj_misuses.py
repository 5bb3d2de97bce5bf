"""The example over PySyncObj, as it is or with one misuse of what PySyncObj expects of those who embed it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.systems.installing import installed
from tests import REPOSITORY

SOURCE = REPOSITORY / "docs" / "examples" / "lockstep" / "pysyncobj"


class Misuse(NamedTuple):
    """Some places of one file of the example, what is there instead, and the checker that catches it."""

    caught_by: str
    file: str
    changes: tuple[tuple[str, str], ...]
    options: str = ""
    nemesis: str = "kill"
    first_seed: int = 1


def _one(caught_by: str, file: str, before: str, after: str, options: str = "") -> Misuse:
    return Misuse(caught_by, file, ((before, after),), options)


HANDED_LATE = (
    '            self.give("persist", records=self.stores)\n',
    "            handed = self.effects if self.standing is None else self.late\n"
    '            handed.append({"effect": "persist", "records": self.stores})\n',
)
WITH_LATE = ("        self.place = 0  #", "        self.late = []\n        self.place = 0  #")

MISUSES = {
    "keeps no journal": _one("durable-before-acknowledge", "core.py", 'journalFile="journal", ', ""),
    "loses the file of term and vote": _one(
        "one-vote-a-term",
        "core.py",
        "        self.stores.append(store)\n",
        '        if store[1].startswith("journal.meta"):\n            return\n'
        "        self.stores.append(store)\n",
    ),
    "keeps stores in the process until it ticks": Misuse(
        "durable-before-acknowledge",
        "core.py",
        (
            HANDED_LATE,
            WITH_LATE,
            (
                "            self.streams.tick()\n",
                "            self.effects += self.late\n"
                "            self.late = []\n"
                "            self.streams.tick()\n",
            ),
        ),
    ),
    "lacks its last store when it starts": _one(
        "durable-log",
        "core.py",
        'Files(start["disk"], self.stored)',
        'Files(start["disk"][:-1], self.stored)',
    ),
    "answers a call that is only proposed": _one(
        "linearizability",
        "core.py",
        "        getattr(self.store, request",
        '        if request["f"] == "write":\n'
        '            self.give("reply", id=number, type="ok")\n'
        "            done = None\n"
        "        getattr(self.store, request",
    ),
    "reads its own state": _one(
        "linearizability",
        "core.py",
        "        getattr(self.store, request",
        '        if request["f"] == "read":\n'
        '            value = self.store.registers.get(request["key"])\n'
        '            self.give("reply", id=number, type="ok", value=value)\n'
        "            return\n"
        "        getattr(self.store, request",
    ),
    "takes a changed leader for a call that was not done": Misuse(
        "linearizability", "core.py", (), "--leader-changed-fails", nemesis="partition", first_seed=16
    ),
    "delivers messages that came twice": _one(
        "committed-never-truncated",
        "stream.py",
        "            if number >= held.expected:\n                held.early[number] = message\n",
        "            if number >= held.expected:\n"
        "                held.early[number] = message\n"
        "            else:\n"
        "                again = pickle.loads(b64decode(message))\n"
        "                peer = self.peers[other]\n"
        "                self.node.step(lambda again=again: self._onMessageReceived(peer, again), other)\n",
    ),
    "delivers messages in the order of their arrival": Misuse(
        "committed-never-truncated",
        "stream.py",
        (
            (
                "                held.early[number] = message\n",
                "                if number not in held.early:\n"
                "                    early = pickle.loads(b64decode(message))\n"
                "                    peer = self.peers[other]\n"
                "                    took = self._onMessageReceived\n"
                "                    self.node.step(lambda early=early: took(peer, early), other)\n"
                "                held.early[number] = message\n",
            ),
            (
                "            self.node.step(lambda message=message: "
                "self._onMessageReceived(self.peers[other], message), other)\n",
                "",
            ),
        ),
    ),
    "lets a dump lack the registers": Misuse(
        "linearizability",
        "registers.py",
        (
            (
                "        super().__init__()\n        self.registers = {}\n",
                "        self.registers = {}\n        super().__init__()\n",
            ),
        ),
        "--compaction 20",
    ),
}


def command(folder: Path, name: str | None = None, version: str = "0.3.17") -> str:
    """The command of the core with that misuse; skips where that version of PySyncObj is not installed."""
    held = installed().items()
    found = [path for path, one in held if (one.system, one.version) == ("pysyncobj", version)]
    if not found:
        pytest.skip(f"PySyncObj {version} is not installed: ackproof systems install pysyncobj@{version}")
    options = ""
    if name is not None:
        misuse = MISUSES[name]
        options = misuse.options
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        file = folder / misuse.file
        text = file.read_text(encoding="utf-8")
        for before, after in misuse.changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        file.write_text(text, encoding="utf-8")
    program = (SOURCE if name is None else folder) / "core.py"
    return f"{shlex.join([sys.executable, str(program), str(found[0])])} {options}"
