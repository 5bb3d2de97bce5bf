"""Makes small stores: folders with what listings read, in any state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from checkers.check_all import Results
from checkers.verdict import Evidence, Validity, Verdict


def verdict_of(validity: Validity, title: str = "r7 was lost") -> Verdict:
    """The verdict of a checker that judged a run so."""
    evidence = (Evidence(title, f"{title}, by operation 4.", (4,)),) if validity is Validity.INVALID else ()
    return Verdict("durability", validity, f"durability is {validity}", evidence)


def add_run(
    store: Path,
    name: str,
    validity: Validity | None = Validity.VALID,
    title: str = "r7 was lost",
    **facts: Any,
) -> Path:
    """Add the folder of one run, judged so; not judged if the validity is None."""
    folder = store / name
    folder.mkdir(parents=True)
    began = f"{name[:10]} {name[11:13]}:{name[13:15]}:{name[15:17]} +0000"
    test = {
        "nodes": ["n1", "n2", "n3"],
        "workload": "register",
        "concurrency": 3,
        "system": "etcd",
        "nemesis": ["kill", "partition"],
        "seed": 7,
        "started_at": began,
        "versions": {"ackproof": "0.1.0", "etcd": "3.5.1"},
        **facts,
    }
    (folder / "test.json").write_text(json.dumps(test), encoding="utf-8")
    if validity is not None:
        judge(folder, validity, title)
    return folder


def judge(folder: Path, validity: Validity, title: str = "r7 was lost") -> None:
    """Write the verdicts of a run."""
    results = Results.of([verdict_of(validity, title)], {"durability"})
    (folder / "results.json").write_bytes(msgspec.json.encode(results))
