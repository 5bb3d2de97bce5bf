"""The example over etcd's raft, built as it is or with one misuse of etcd's contract."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import REPOSITORY

SOURCE = REPOSITORY / "docs" / "examples" / "lockstep" / "etcd"


class Misuse(NamedTuple):
    """One place of the example, and what is there instead."""

    before: str
    after: str
    file: str = "main.go"
    nemesis: str = ""
    """The fault in which it shows, in short runs; empty for those that a seed draws."""
    first_seed: int = 1
    """From which seed on it is looked for: some show only in few seeds."""


OFTEN = {
    "snapshot": Misuse("snapshotEvery, kept = 48, 16", "snapshotEvery, kept = 6, 2"),
    "members": Misuse("changeEvery = 24", "changeEvery = 5", "members.go"),
}
"""By a word of a misuse's name: what happens more often in its core, so that it shows in a short story."""

MISUSES = {
    "sends before the disk has it": Misuse("n.send(answer, n.begun)", "n.send(answer, 0)", "ready.go"),
    "asks for votes before the disk has its own": Misuse("return n.begun", "return 0", "ready.go"),
    "drops the hard state": Misuse("record{ready.HardState,", "record{pb.HardState{},", "ready.go"),
    "persists no entry": Misuse(
        "n.out.Persist(false, encoded(r))",
        "n.out.Persist(false, encoded(record{State: r.State, Snapshot: r.Snapshot}))",
        "ready.go",
    ),
    "reads without ReadIndex": Misuse(
        "n.raft.ReadIndex([]byte(read))", "n.serve(raft.ReadState{RequestCtx: []byte(read)})"
    ),
    "reads before the index is applied": Misuse(
        "if confirmed.Index > n.registers.Last.Index {", "if false {", nemesis="delay", first_seed=30
    ),
    "forgets a snapshot's metadata": Misuse(
        "record{state, after, snapshot}", "record{state, after, pb.Snapshot{Data: snapshot.Data}}"
    ),
    "takes an installed snapshot without its state": Misuse(
        "must(json.Unmarshal(snapshot.Data, r))",
        "r.Values, r.Done = map[string]any{}, map[string]bool{}\n\t"
        "r.Last = pb.Entry{Index: snapshot.Metadata.Index, Term: snapshot.Metadata.Term}",
        "registers.go",
    ),
    "forgets the entries behind a snapshot": Misuse(
        "record{state, after, snapshot}", "record{state, after[:0], snapshot}"
    ),
    "applies a proposal that came twice": Misuse(
        "if json.Unmarshal(entry.Data, &asked) != nil || r.Done[asked.Op] {",
        "if json.Unmarshal(entry.Data, &asked) == nil && r.Done[asked.Op] {\n"
        "\t\tr.Values[asked.Key] = asked.Value\n\t}\n"
        '\tif asked.Op == "" || r.Done[asked.Op] {',
        "registers.go",
        nemesis="duplicate",
        first_seed=45,
    ),
    "applies a change of the members twice": Misuse(
        "n.storage.members = *n.raft.ApplyConfChange(change)",
        "n.raft.ApplyConfChange(change)\n\t\tn.storage.members = *n.raft.ApplyConfChange(change)",
        "members.go",
    ),
    "forgets the members in a snapshot": Misuse("&n.storage.members, encoded", "&pb.ConfState{}, encoded"),
    "advances before the disk has it": Misuse("write{persist: n.begun}", "write{persist: 0}", "ready.go"),
    "answers a write that is only proposed": Misuse(
        "n.raft.Propose(encoded(command{e.Request, n.name, n.life, e.Id})) != nil {",
        'n.raft.Propose(encoded(command{e.Request, "", n.life, e.Id})) == nil {\n'
        '\t\t\tn.out.Reply(lockstep.Reply{Id: e.Id, Type: "ok"})\n\t\t} else {',
    ),
}


def built(folder: Path, name: str | None = None, *, often: str = "", variants: Sequence[str] = ()) -> str:
    """The path of the core, with the misuse of that name; skips where it cannot be built.

    Args:
        often: in place of a misuse's name: words of `OFTEN`.
        variants: the changes in these files of `variants/` are made, in this order.
    """
    if shutil.which("go") is None:
        pytest.skip("there is no Go toolchain here")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    changes = [change for word, change in OFTEN.items() if word in (name or often)]
    if name is not None:
        changes.append(MISUSES[name])
    for change in changes:
        file = folder / change.file
        text = file.read_text(encoding="utf-8")
        assert text.count(change.before) == 1, change.before
        file.write_text(text.replace(change.before, change.after), encoding="utf-8")
    for variant in variants:
        _done(["git", "apply", str(SOURCE / "variants" / variant)], folder)
    if variants:
        _done(["go", "mod", "tidy"], folder)
    _done(["go", "build", "-o", "core", "."], folder)
    return str(folder / "core")


def _done(command: list[str], folder: Path) -> None:
    own = {
        **os.environ,
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }  # git apply skips files of a repository
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=own)
    if any(sign in done.stderr for sign in ("dial tcp", "no such host", "toolchain not available")):
        pytest.skip("etcd's raft, or the Go that it needs, cannot be fetched here")
    assert done.returncode == 0, done.stderr
