"""Histories that others recorded and judged: every verdict agrees."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from history import Recording
from history.formats import read
from tests import REPOSITORY

ROOT = REPOSITORY
SELECTION = ROOT / "tests" / "corpora" / "porcupine"
FULL = Path(os.environ.get("ACKPROOF_CORPORA", ROOT.parent / "shared" / "corpora")) / "porcupine"


def listed(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "verdicts.csv").open(newline="") as file:
        return [(row["file"], row["model"], row["verdict"]) for row in csv.DictReader(file)]


def judged(path: Path, model: str) -> str:
    recording = Recording(nodes=(), history=read(path).history)
    return LinearizabilityOf(MODELS[model]).check(recording).validity.value


@pytest.mark.parametrize(("file", "model", "verdict"), listed(SELECTION))
def test_the_verdict_on_a_recorded_history_agrees(file: str, model: str, verdict: str) -> None:
    assert judged(SELECTION / file, model) == verdict


@pytest.mark.skipif(not FULL.is_dir(), reason=f"no full corpus at {FULL}; ACKPROOF_CORPORA can name one")
def test_every_verdict_on_the_full_corpus_agrees() -> None:
    files = listed(FULL)
    assert len(files) >= 50
    wrong = [file for file, model, verdict in files if judged(FULL / file, model) != verdict]
    assert wrong == []
