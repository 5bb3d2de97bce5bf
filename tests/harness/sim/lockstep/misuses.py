"""The example over etcd's raft, built as it is or with one misuse of etcd's contract."""

from __future__ import annotations

import shutil
import subprocess
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


MISUSES = {
    "sends before the disk has it": Misuse("text, n.awaiting)", "text, 0)"),
    "drops the hard state": Misuse("record{n.ready.HardState,", "record{pb.HardState{},"),
    "persists no entry": Misuse(
        "n.out.Persist(false, encoded(r))",
        "n.out.Persist(false, encoded(record{State: r.State, Snapshot: r.Snapshot}))",
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
        first_seed=30,
    ),
    "advances before the disk has it": Misuse(
        "n.awaiting = n.out.Persist(false, encoded(r))", "n.out.Persist(false, encoded(r))"
    ),
    "answers a write that is only proposed": Misuse(
        "n.raft.Propose(encoded(command{e.Request, n.name, n.life, e.Id})) != nil {",
        'n.raft.Propose(encoded(command{e.Request, "", n.life, e.Id})) == nil {\n'
        '\t\t\tn.out.Reply(lockstep.Reply{Id: e.Id, Type: "ok"})\n\t\t} else {',
    ),
}


def take_snapshots_often(main: Path) -> None:
    """Let a snapshot be taken after a few entries, so that what is wrong with one shows in a short story."""
    text = main.read_text(encoding="utf-8")
    assert "snapshotEvery, kept = 48, 16" in text
    main.write_text(
        text.replace("snapshotEvery, kept = 48, 16", "snapshotEvery, kept = 6, 2"), encoding="utf-8"
    )


def built(folder: Path, name: str | None = None, *, often: bool = False) -> str:
    """The path of the core, with the misuse of that name; skips where it cannot be built.

    Args:
        often: whether it takes snapshots often, as each core with a misuse of snapshots does.
    """
    if shutil.which("go") is None:
        pytest.skip("there is no Go toolchain here")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    if name is not None:
        misuse = MISUSES[name]
        file = folder / misuse.file
        text = file.read_text(encoding="utf-8")
        assert text.count(misuse.before) == 1, misuse.before
        file.write_text(text.replace(misuse.before, misuse.after), encoding="utf-8")
    if often or (name is not None and "snapshot" in name):
        take_snapshots_often(folder / "main.go")
    done = subprocess.run(["go", "build", "-o", "core", "."], cwd=folder, capture_output=True, text=True)
    if "dial tcp" in done.stderr or "no such host" in done.stderr:
        pytest.skip("etcd's raft cannot be fetched here")
    assert done.returncode == 0, done.stderr
    return str(folder / "core")
