"""Reads the folder of one run into its entry.

A folder that is damaged, cut short or made by a newer version is still an entry: it says in one line what is
wrong with it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from checkers.check_all import Results
from checkers.verdict import Validity
from harness.campaign.outcomes import Outcome, outcome_of
from harness.formats import NewerRun, refuse_newer_run
from harness.store.entry import RunEntry, RunState, own_version
from harness.store.files import PLAN, RECORDING, RESULTS, TEST
from harness.systems import REFERENCE_NODE
from history.files import RefusedFile, brief, decode_json, is_regular, read_regular
from history.limits import LARGEST_NUMBER

T = TypeVar("T")

LONGEST_TEXT = 400
"""The largest number of characters of one text that an entry keeps."""


class _StoredTest(msgspec.Struct, frozen=True):
    """What test.json holds, as far as it is listed. Keys that a newer version adds are passed over."""

    workload: str
    nodes: tuple[str, ...] = ()
    system: str = REFERENCE_NODE
    world: str = "local"
    nemesis: tuple[str, ...] = ()
    mutant: str | None = None
    seed: int | None = None
    started_at: str = ""
    commit: str | None = None
    versions: Mapping[str, str | int | float | None] = {}


class _StoredModel(msgspec.Struct, frozen=True):
    model: str


class _StoredRecording(msgspec.Struct, frozen=True):
    """What recording.json holds, as far as it is listed."""

    asked: _StoredModel
    started_at: str = ""
    versions: Mapping[str, str | int | float | None] = {}


def read_entry(store: Path, folder: str, campaign: str | None = None) -> RunEntry:
    """Read one run's folder; what cannot be read is said in the entry.

    Args:
        store: the store, which is not trusted: no link below it is followed.
        folder: the path of the run's folder, from the store.
        campaign: the folder of its campaign, from the store.
    """
    path = store / folder
    found: dict[str, Any] = {"folder": folder, "campaign": campaign, "began_at": began_in(path.name)}
    try:
        found |= _facts(store, path)
        return _with_results(store, path, found)
    except (OSError, RefusedFile) as error:
        rule = error.rule if isinstance(error, RefusedFile) else brief(error.strerror or error)
        file = error.path.name if isinstance(error, RefusedFile) else Path(str(error.filename)).name
        state: RunState = "newer" if isinstance(error, NewerRun) else "damaged"
        made_by = found.get("ackproof")
        by_newer = f" (made by ackproof {made_by})" if made_by and made_by != own_version() else ""
        return RunEntry(**found, state=state, why=_cut(f"{file}: {rule}{by_newer}"))


def began_in(name: str) -> str | None:
    """When a run began, by the name of its folder, which is in local time; null if the name does not say."""
    try:
        local = time.strptime(name[:17], "%Y-%m-%dT%H%M%S")
        return datetime.fromtimestamp(time.mktime(local), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


def _facts(store: Path, path: Path) -> dict[str, Any]:
    """What the folder says of the run, in the names of the entry."""
    try:
        refuse_newer_run(path / TEST, _read(store, path / TEST, dict[str, Any]))
        test = _read(store, path / TEST, _StoredTest)
    except FileNotFoundError:
        if not is_regular(path / RECORDING, store):
            raise RefusedFile(path / TEST, "missing") from None
        recording = _read(store, path / RECORDING, _StoredRecording)
        return {
            "kind": "recorded",
            "workload": _cut(recording.asked.model),
            "ackproof": _text(recording.versions.get("ackproof")),
            **_began(recording.started_at),
        }
    is_simulated = is_regular(path / PLAN, store)
    seed = test.seed
    return {
        "kind": "simulated" if is_simulated else "run",
        "system": _cut(test.system),
        "version": _text(test.versions.get(test.system)),
        "world": "sim" if is_simulated else _cut(test.world),
        "workload": _cut(test.workload),
        "nemesis": tuple(_cut(fault) for fault in test.nemesis),
        "mutant": _text(test.mutant),
        "nodes": len(test.nodes),
        "seed": seed if seed is None or abs(seed) <= LARGEST_NUMBER else None,
        "commit": _text(test.commit),
        "ackproof": _text(test.versions.get("ackproof")),
        **_began(test.started_at),
    }


def _with_results(store: Path, path: Path, found: dict[str, Any]) -> RunEntry:
    try:
        results = _read(store, path / RESULTS, Results)
    except FileNotFoundError:
        return RunEntry(**found, state="not judged")
    outcome = outcome_of(results)
    return RunEntry(
        **found,
        state="judged",
        validity=results.validity,
        failed=tuple(dict.fromkeys(_cut(one.checker) for one in outcome.violations)),
        why=_why(results, outcome),
        latency_ms=outcome.latency_ms,
        unavailable_s=outcome.unavailable_s,
    )


def _why(results: Results, outcome: Outcome) -> str:
    """The sentence that says why a run is not valid; empty if it is."""
    if results.validity is Validity.VALID:
        return ""
    if results.explanation is not None:
        return _cut(results.explanation.headline)
    return _cut(outcome.violations[0].title if outcome.violations else outcome.summary)


def _read(store: Path, path: Path, type_: type[T]) -> T:
    return decode_json(read_regular(path, root=store), type_, where=path)


def _began(started_at: str) -> dict[str, str]:
    """When a run began in UTC, from what its folder says; nothing where that is no time."""
    try:
        began = datetime.strptime(started_at, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return {}
    return {"began_at": began.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _text(value: object) -> str | None:
    return None if value is None else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
