"""A run's folder states its format: ours and older ones are read, and a newer one is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT, RUN_KEY, newer
from harness.run.folder import RunFolder
from harness.run.test import Test
from history import HistoryWriter, Operation


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A sealed folder of a run of one operation."""
    made = RunFolder.create(tmp_path, Test(nodes=("n1",), workload="register", nemesis=(), concurrency=1))
    made.write_test(Test(nodes=("n1",), workload="register", nemesis=(), concurrency=1), 0, ["ackproof"])
    with HistoryWriter(made.history_lines) as writer:
        writer.append(Operation(0, 1, 0, "invoke", "read", "k", None))
    made.seal()
    return made


def stated(folder: RunFolder, number: object) -> RunFolder:
    """The folder with that number in test.json; without any for None."""
    facts = json.loads(folder.test_json.read_bytes())
    assert facts.pop(RUN_KEY) == RUN_FORMAT
    folder.test_json.write_text(json.dumps(facts if number is None else {**facts, RUN_KEY: number}))
    folder.seal()
    return folder


def test_a_folder_of_our_format_is_read_and_its_number_is_no_option(folder: RunFolder) -> None:
    assert RUN_KEY not in folder.recording().options
    assert folder.seal_state.in_words() == "sealed, and unchanged since"


def test_a_folder_of_before_the_number_is_read(folder: RunFolder) -> None:
    before = folder.recording().options
    assert stated(folder, None).recording().options == before


def test_a_newer_folder_is_refused_with_its_file_its_format_and_what_to_do(folder: RunFolder) -> None:
    newer_one = stated(folder, RUN_FORMAT + 1)
    facts = json.loads(newer_one.test_json.read_bytes())
    newer_one.test_json.write_text(json.dumps({**facts, "nodes": {"n1": "leader"}}))
    with pytest.raises(CouldNotRun) as refusal:
        newer_one.recording()
    assert str(refusal.value) == (
        f"{newer_one.test_json}: has format {RUN_FORMAT + 1}, and this version of Ackproof reads "
        f"{RUN_FORMAT}: a newer version wrote it; update Ackproof to read it"
    )


@pytest.mark.parametrize("number", [None, "2", 1.5, -1, 0, 1, True])
def test_only_a_larger_whole_number_is_newer(number: object) -> None:
    assert newer(number, 1) is None
