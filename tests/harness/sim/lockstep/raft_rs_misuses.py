"""The example over TiKV's raft-rs, built as it is or with one misuse of raft-rs's contract."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.harness.sim.lockstep.misuses import Misuse

SOURCE = REPOSITORY / "docs" / "examples" / "lockstep" / "raft-rs"
NOT_HAD = ("failed to download", "failed to get", "Could not resolve host", "spurious network error")
"""What cargo writes where it cannot have a crate."""
OFTEN = {
    "snapshot": (
        ("main.rs", "SNAPSHOT_EVERY: u64 = 48", "SNAPSHOT_EVERY: u64 = 6"),
        ("main.rs", "KEPT: u64 = 16", "KEPT: u64 = 2"),
    ),
    "members": (("consensus.rs", "CHANGE_EVERY: u64 = 24", "CHANGE_EVERY: u64 = 5"),),
}
"""By a word of a misuse's name: what happens more often in its core, so that it shows in a short story."""

MISUSES = {
    "sends before the disk has it": Misuse(
        "self.send(later, self.persists, out);", "self.send(later, 0, out);", "main.rs"
    ),
    "drops the hard state": Misuse("state: ready.hs().cloned(),", "state: None,", "main.rs"),
    "persists no entry": Misuse(
        "out.persist(false, record.encoded());",
        "out.persist(false, Record { entries: vec![], ..record }.encoded());",
        "main.rs",
    ),
    "says at once that the disk has it": Misuse("persist: self.persists,", "persist: 0,", "main.rs"),
    "reads without ReadIndex": Misuse(
        "        raft.read_index(name);",
        "        let index = raft.raft.r.raft_log.applied();\n"
        "        raft.raft.r.read_states.push(ReadState { index, request_ctx: name });",
        "reads.rs",
    ),
    "reads before the index is applied": Misuse(
        "|one: &&ReadState| one.index <= registers.index;",
        "|_: &&ReadState| true;",
        "reads.rs",
        nemesis="delay",
    ),
    "forgets a snapshot's metadata": Misuse(
        "snapshot: Some(self.snapshot.clone()) }",
        "snapshot: Some(Snapshot { data: self.snapshot.data.clone(), ..Snapshot::default() }) }",
        "disk.rs",
    ),
    "forgets the entries behind a snapshot": Misuse(
        "let entries = self.entries[self.place(index + 1)..].to_vec();", "let entries = vec![];", "disk.rs"
    ),
    "takes an installed snapshot without its state": Misuse(
        "*self = serde_json::from_slice(&snapshot.data).unwrap();",
        "let about = snapshot.get_metadata();\n"
        "        *self = Registers { index: about.index, term: about.term, ..Registers::default() };",
        "registers.rs",
    ),
    "applies a proposal that came twice": Misuse(
        "            return None;\n",
        "            self.values.insert(asked.request.key?, asked.request.value);\n"
        "            return None;\n",
        "registers.rs",
        nemesis="duplicate",
        first_seed=20,
    ),
    "answers a write that is only proposed": Misuse(
        "        let command = serde_json::to_vec(&Command { request, node, life, id }).unwrap();\n",
        "        let node = String::new();\n"
        "        let command = serde_json::to_vec(&Command { request, node, life, id }).unwrap();\n"
        "        if self.raft.raft.leader_id > 0 {\n"
        '            out.reply(Reply { id, r#type: "ok", ..Reply::default() });\n'
        "            let _ = self.raft.propose(vec![], command);\n"
        "            return;\n"
        "        }\n",
        "main.rs",
    ),
    "applies a change of the members twice": Misuse(
        "        node.mut_store().members = node.apply_conf_change(&change).unwrap();\n",
        "        node.apply_conf_change(&change).unwrap();\n"
        "        node.mut_store().members = node.apply_conf_change(&change).unwrap();\n",
        "consensus.rs",
    ),
    "forgets the members in a snapshot": Misuse(
        "about.set_conf_state(self.members.clone());", "about.clear_conf_state();", "disk.rs"
    ),
}


def built(
    folder: Path, name: str | None = None, *, often: str = "", variant: str = "", crate: str = "."
) -> str:
    """The path of the core, with the misuse of that name; skips where it cannot be built.

    Args:
        folder: where cargo keeps what it compiled, so that the crates are compiled once.
        often: in place of a misuse's name: words of `OFTEN`.
        variant: in place of a misuse's name: a patch of the example, without its end.
        crate: the folder of the example's crate.
    """
    if shutil.which("cargo") is None:
        pytest.skip("there is no Rust toolchain here")
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("target"), copy_function=shutil.copyfile)
    changes = [one for word, several in OFTEN.items() if word in (name or often) for one in several]
    if name is not None:
        misuse = MISUSES[name]
        changes.append((misuse.file, misuse.before, misuse.after))
    for file, before, after in changes:
        text = (source / "src" / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        (source / "src" / file).write_text(text.replace(before, after), encoding="utf-8")
    if variant:
        patch = ["patch", "-p1", "-i", f"variants/{variant}.diff"]
        subprocess.run(patch, cwd=source, check=True, capture_output=True)
    done = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--target-dir", str(folder / "target" / crate)],
        cwd=source / crate,
        capture_output=True,
        text=True,
    )
    if any(words in done.stderr for words in NOT_HAD):
        pytest.skip("raft-rs cannot be fetched here")
    assert done.returncode == 0, done.stderr
    title = name or often or variant or ("right" if crate == "." else crate)
    core = folder / f"core-{title}".replace(" ", "-").replace("'", "")
    shutil.copy(folder / "target" / crate / "release" / "core", core)
    return str(core)
