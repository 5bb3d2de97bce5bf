"""The seal of a run's folder: a checksum of each file of evidence, made at the end of the run.

`evidence.json` holds for each file on which verdicts rest its SHA-256, its bytes and its lines. It is written
whole or not at all, and is on disk before the run counts as over. It shows what was changed, lost or added by
accident since then. It does not show forgery: who can change the evidence can change the seal as well.

A folder without a seal is that of a run that was killed. Its evidence is judged as it is; and as nothing
shows that the traces in it are whole, only a life that ended with `stop` counts as complete.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import plural
from harness.formats import newer
from history.files import (
    RefusedFile,
    decode_json,
    is_regular,
    names_in,
    open_regular,
    read_regular,
    replace_file,
)

EVIDENCE = "evidence.json"
FORMAT = 1
CHUNK_BYTES = 1 << 20
MOST_NAMED = 4
"""Files that the line about the seal names."""

TEST, HISTORY, LIVES, LAG, TRACES, LOGS = "test", "history", "lives", "lag", "traces", "logs"
STATUSES, SIZES = "statuses", "sizes"
_KINDS = (
    (re.compile(r"(test|recording)\.json"), TEST),
    (re.compile(r"history\.(jsonl|parquet)|refused\.jsonl"), HISTORY),
    (re.compile(r"lives\.json"), LIVES),
    (re.compile(r"lag\.json"), LAG),
    (re.compile(r"statuses\.json"), STATUSES),
    (re.compile(r"sizes\.json"), SIZES),
    (re.compile(r"nodes/[A-Za-z0-9_.-]+/trace/[0-9]+\.jsonl"), TRACES),
    (re.compile(r"nodes/[A-Za-z0-9_.-]+/log\.txt"), LOGS),
)
"""The files of evidence, by their paths in the folder, and what they hold."""

_OF_TRACES = frozenset({TEST, TRACES, LIVES, STATUSES})
_OF_ALL = frozenset({TEST, HISTORY, LIVES, LAG, STATUSES, SIZES, TRACES, LOGS})
_OF_RUN = _OF_ALL - {LOGS, SIZES}
RESTS_ON: Mapping[str, frozenset[str]] = {
    "election-safety": _OF_TRACES,
    "leader-append-only": _OF_TRACES,
    "log-matching": _OF_TRACES,
    "leader-completeness": _OF_TRACES,
    "state-machine-safety": _OF_TRACES,
    "one-vote-a-term": _OF_TRACES,
    "term-monotonic": _OF_TRACES,
    "commit-monotonic": _OF_TRACES,
    "committed-never-truncated": _OF_TRACES,
    "durable-log": _OF_TRACES,
    "durable-before-acknowledge": _OF_TRACES,
    "snapshot-safety": _OF_TRACES,
    "membership": _OF_TRACES,
    "conformance": _OF_TRACES,
    "node-health": _OF_ALL - {SIZES},
    "resources": frozenset({TEST, LIVES, SIZES}),
}
"""By checker, the kinds of evidence on which its verdict rests; of any other checker all but the logs."""


class SealedFile(msgspec.Struct, frozen=True):
    """A file as it was when the folder was sealed."""

    sha256: str
    bytes: int
    lines: int


class Seal(msgspec.Struct, frozen=True):
    """What `evidence.json` holds."""

    ackproof_evidence: int
    """The version of this format."""
    sealed_at: str
    files: Mapping[str, SealedFile]
    """By path in the folder."""


class SealState(msgspec.Struct, frozen=True):
    """What the seal of a folder shows."""

    is_sealed: bool
    problem: str | None = None
    """Why there is a seal that cannot be used."""
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    """Evidence that was not there when the folder was sealed."""
    intact: frozenset[str] = frozenset()
    """Files that are as they were."""
    traced: Mapping[str, int] = {}
    """By node, the last life of which the seal names a trace."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """The files of evidence that are not what they were, apart from the lost one of two equal forms."""
        lost = [path for path in self.missing if not self._has_other_form(path)]
        return (*self.changed, *lost, *self.added)

    def _has_other_form(self, path: str) -> bool:
        """Whether a missing file of the history is there in its other form, unchanged."""
        forms = {"history.jsonl": "history.parquet", "history.parquet": "history.jsonl"}
        return forms.get(path) in self.intact

    def in_words(self) -> str:
        """The state in one line, for people."""
        if self.problem is not None:
            return f"the seal cannot be used, and what was changed is not known: {self.problem}"
        if not self.is_sealed:
            differs = f"; {self.changed[0]}" if self.changed else ""
            return f"not sealed: the run did not come to its end, or {EVIDENCE} was removed{differs}"
        parts = [
            f"{which}: {_named(paths)}"
            for which, paths in (
                ("changed since", self.changed),
                ("missing since", self.missing),
                ("added since", self.added),
            )
            if paths
        ]
        if parts:
            return f"sealed, and {'; '.join(parts)}"
        return "sealed, and unchanged since"


def seal(folder: Path) -> None:
    """Seal a run's folder: its evidence as it is now.

    Raises:
        OSError: the seal cannot be written.
    """
    _write(folder, {path: _sealed(folder, path) for path in evidence_in(folder)})


def add_to_seal(folder: Path, path: str) -> None:
    """Add a file that was made from unchanged evidence to the seal of a folder.

    Raises:
        OSError: the seal cannot be written.
    """
    sealed = _read(folder)
    if sealed is not None:
        _write(folder, {**sealed.files, path: _sealed(folder, path)})


def _write(folder: Path, files: Mapping[str, SealedFile]) -> None:
    value = Seal(FORMAT, time.strftime("%Y-%m-%d %H:%M:%S %z"), dict(sorted(files.items())))
    data = msgspec.json.format(msgspec.json.encode(value), indent=1)
    replace_file(folder / EVIDENCE, data, root=folder, is_synced=True)


def _read(folder: Path) -> Seal | None:
    """The seal of a folder; None if there is none.

    Raises:
        RefusedFile: it cannot be read, or is of another version.
    """
    path = folder / EVIDENCE
    try:
        found = decode_json(read_regular(path, root=folder), Seal, where=path)
    except FileNotFoundError:
        return None
    if found.ackproof_evidence != FORMAT:
        of_other = f"of format {found.ackproof_evidence}; this ackproof reads format {FORMAT}"
        raise RefusedFile(path, newer(found.ackproof_evidence, FORMAT) or of_other)
    return found


def state_of(folder: Path) -> SealState:
    """Compare a folder's evidence with its seal. Damage never raises."""
    try:
        found = _read(folder)
    except RefusedFile as refusal:
        return SealState(is_sealed=True, problem=str(refusal))
    if found is None:
        return SealState(is_sealed=False)
    there = set(evidence_in(folder))
    changed: list[str] = []
    intact: list[str] = []
    for path, sealed in found.files.items():
        if kind_of(path) is None or path not in there:
            continue
        try:
            same = _sealed(folder, path) == sealed
        except (OSError, RefusedFile):
            same = False
        (intact if same else changed).append(path)
    missing = [path for path in found.files if kind_of(path) is not None and path not in there]
    added = [path for path in there if path not in found.files and path != "history.parquet"]
    return SealState(
        is_sealed=True,
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(missing)),
        added=tuple(sorted(added)),
        intact=frozenset(intact),
        traced=_last_lives(found.files),
    )


def kind_of(path: str) -> str | None:
    """What a file of evidence holds, by its path in the folder; None if no verdict rests on it."""
    return next((kind for pattern, kind in _KINDS if pattern.fullmatch(path)), None)


def trusted(verdicts: Iterable[Verdict], state: SealState) -> list[Verdict]:
    """The verdicts, of which those that rest on changed evidence are `unknown`, with the reason."""
    damaged = state.damaged
    return [_trusted(verdict, state, damaged) for verdict in verdicts]


def _trusted(verdict: Verdict, state: SealState, damaged: Sequence[str]) -> Verdict:
    rests_on = RESTS_ON.get(verdict.checker, _OF_RUN)
    mine = [path for path in damaged if kind_of(path.partition(" ")[0]) in rests_on]
    if state.problem is not None:
        why = state.in_words()
    elif mine:
        why = f"the evidence is not what the run left: {_named(mine)}"
    else:
        return verdict
    if verdict.mark is Validity.UNKNOWN:
        return verdict
    before = f"By the evidence as it is now, the checker says {verdict.mark.value}: {verdict.summary}"
    return msgspec.structs.replace(
        verdict,
        validity=Validity.UNKNOWN,
        unjudged=None,
        summary=why,
        evidence=(Evidence(title="the evidence was changed after the run", text=f"{why}. {before}"),),
    )


def evidence_in(folder: Path) -> Iterator[str]:
    """The paths of the regular files of evidence in a folder."""
    found = ["test.json", "recording.json", "history.jsonl", "history.parquet", "lives.json", "lag.json"]
    found += ["statuses.json", "refused.jsonl"]
    for node in _names(folder / "nodes", folder):
        found.append(f"nodes/{node}/log.txt")
        found += [f"nodes/{node}/trace/{name}" for name in _names(folder / "nodes" / node / "trace", folder)]
    for path in found:
        if kind_of(path) is not None and is_regular(folder / path, folder):
            yield path


def _names(path: Path, root: Path) -> list[str]:
    try:
        return names_in(path, root)
    except RefusedFile:
        return []


def _sealed(folder: Path, path: str) -> SealedFile:
    digest, size, lines = hashlib.sha256(), 0, 0
    with open_regular(folder / path, root=folder) as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
            size += len(data)
            lines += data.count(b"\n")
    return SealedFile(digest.hexdigest(), size, lines)


def _last_lives(paths: Iterable[str]) -> dict[str, int]:
    last: dict[str, int] = {}
    for path in paths:
        if kind_of(path) == TRACES:
            _, node, _, name = path.split("/")
            life = name.removesuffix(".jsonl")
            if life.isascii() and life.isdecimal():
                last[node] = max(last.get(node, 0), int(life[:12]))
    return last


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join(paths[:MOST_NAMED]) + (f" and {plural(more, 'more file')}" if more > 0 else "")
