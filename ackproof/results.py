"""What every command prints with --json: one shape, described by docs/json.md and docs/result.schema.json.

The MCP server answers with the same shape.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from ackproof.clock import Clock
from checkers.check_all import Results, counts_by_mark
from checkers.explanation import Explanation
from checkers.verdict import Validity, Verdict
from harness.run.time_limits.too_short import TooShort
from history.files import RefusedFile, decode_json, read_regular
from history.limits import LARGEST_NUMBER

if TYPE_CHECKING:
    from harness.run.folder import RunFolder

FORMAT: Final = 1
"""It grows when a key is removed or gets another meaning. Keys may be added without that."""


_FILES = frozenset(("--junit", "--ctrf", "--summary"))
"""Options that name a file for CI servers (ackproof/cli/options.py)."""


class Times(msgspec.Struct, frozen=True):
    """When a command began, and how long it took."""

    began_at: str
    """In UTC: 2026-11-28T13:42:00Z."""
    took_s: float


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command did, in the same keys for all; one without a meaning for a command is null or empty."""

    ackproof_result: Literal[1] = FORMAT
    """The version of this format."""
    command: str
    """Which command it was: `run`, `campaign merge`, ..."""
    exit_code: int
    """0 valid, 1 invalid, 2 unknown, 254 wrong options, 255 it could not do its work."""
    validity: Validity | None = None
    """The one verdict, for a command that judges; null for the others, and if nothing was judged."""
    error: str | None = None
    """Why the command could not do its work, as standard error has it."""
    next: tuple[str, ...] = ()
    """Lines to paste: what to do next."""
    warnings: tuple[TooShort, ...] = ()
    """What the command said before it started: times that are too short for what is asked for."""
    times: Times
    versions: Mapping[str, str]
    """Of Ackproof and Python; of a run, also of the system under test, if it is known."""
    system: str | None = None
    """What was tested."""
    seed: int | None = None
    folder: str | None = None
    """The folder of the run or the campaign."""
    report: str | None = None
    """The report, for a browser."""
    required: tuple[str, ...] = ()
    """The checkers that the run requires."""
    marks: Mapping[str, int] = {}
    """How many checkers have each mark."""
    verdicts: tuple[Verdict, ...] = ()
    """What each checker found; the evidence is in them."""
    explanation: Explanation | None = None
    """Why the run is not valid: one sentence, what led to it, and what was missing; null for a valid run."""
    seal: str = ""
    """What the seal of the run's folder shows."""
    result: Any = None
    """What only this command has; docs/json.md says what."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a result says of what was tested."""

    title: str = ""
    """What was tested, in a few words, for CI servers."""
    system: str | None = None
    seed: int | None = None
    folder: str | None = None
    report: str | None = None
    versions: Mapping[str, str] = {}
    next: tuple[str, ...] = ()


def result_of(
    command: str,
    exit_code: int,
    result: object,
    *,
    validity: Validity | None = None,
    error: str | None = None,
    about: About | None = None,
    clock: Clock | None = None,
) -> CommandResult:
    """What a command did. The verdicts on a run stand in the keys that all commands share."""
    about, clock = about or About(), clock or Clock.start()
    judged = result if isinstance(result, Results) else None
    verdicts = _verdicts(result) if judged is None else judged.verdicts
    return CommandResult(
        command=command,
        exit_code=exit_code,
        validity=judged.validity if judged is not None else validity,
        error=error,
        next=about.next,
        times=Times(clock.began_at, clock.elapsed_s()),
        versions={**own_versions(), **about.versions},
        system=about.system,
        seed=about.seed,
        folder=about.folder,
        report=about.report,
        required=() if judged is None else judged.required,
        marks={mark.value: number for mark, number in counts_by_mark(verdicts).items()} if verdicts else {},
        verdicts=verdicts,
        explanation=None if judged is None else judged.explanation,
        seal="" if judged is None else judged.seal,
        result=None if judged is not None else result,
    )


def own_versions() -> dict[str, str]:
    """Of Ackproof and of Python."""
    return {"ackproof": version("ackproof"), "python": platform.python_version()}


def about_folder(folder: RunFolder, validity: Validity) -> About:
    """What a result says of a run's folder, or of a recording's.

    The line to paste of a run that is not valid repeats it; that of a simulated violation makes it small.
    """
    stored = stored_facts(folder)
    system = stored.get("system")
    seed = stored.get("seed")
    versions = stored.get("versions")
    tested = versions.get(system) if isinstance(versions, dict) and isinstance(system, str) else None
    return About(
        title=_title(stored),
        system=system if isinstance(system, str) else None,
        seed=seed if isinstance(seed, int) and abs(seed) <= LARGEST_NUMBER else None,
        folder=str(folder.path),
        report=str(folder.report_html),
        versions={} if tested is None or not isinstance(system, str) else {system: str(tested)},
        next=() if validity is Validity.VALID else tuple(_next(folder, stored, validity)),
    )


def _title(stored: Mapping[str, Any]) -> str:
    """What a run tests, the same for each run of it: `registry on etcd, kill + partition`."""
    if not isinstance(stored.get("workload"), str):
        return ""
    nemesis = stored.get("nemesis")
    faults = " + ".join(map(str, nemesis)) if isinstance(nemesis, list) and nemesis else "no faults"
    mutant = f", mutant {stored['mutant']}" if stored.get("mutant") else ""
    return f"{stored['workload']} on {stored.get('system')}, {faults}{mutant}"


def _next(folder: RunFolder, stored: Mapping[str, Any], validity: Validity) -> Iterable[str]:
    command, seed = stored.get("command"), stored.get("seed")
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        return
    words = [Path(command[0]).name, *command[1:]] if command else []
    if words[:1] == ["__main__.py"]:
        words[0] = "ackproof"
    if words[:1] == ["ackproof"] and len(words) > 1:
        words = list(_without_outputs(words))
        if words[1] == "run" and seed is not None and "--seed" not in words:
            words += ["--seed", str(seed)]
        yield shlex.join(words)
        if words[1] == "sim" and "--seed" in words and validity is Validity.INVALID:
            yield shlex.join([*words, "--shrink", "small.json"])
    yield shlex.join(["ackproof", "analyze", str(folder.path)])


def _without_outputs(words: Iterable[str]) -> Iterator[str]:
    """A command without the options that say where its result is written: the next one has its own."""
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        if not is_value and word not in ("--json", "--github") and name not in _FILES:
            yield word
        is_value = not is_value and name in _FILES and not equals


def stored_facts(folder: RunFolder) -> dict[str, Any]:
    """What test.json holds; empty for a recording, and where it cannot be read."""
    try:
        data = read_regular(folder.test_json, root=folder.path)
        return decode_json(data, dict[str, Any], where=folder.test_json)
    except (OSError, RefusedFile):
        return {}


def _verdicts(result: object) -> tuple[Verdict, ...]:
    """The verdicts that a result has one by one: those of `check`, by file, and that of `sim --shrink`."""
    each = result if isinstance(result, list | tuple) else [result]
    found = (getattr(one, "verdict", None) for one in each)
    return tuple(verdict for verdict in found if isinstance(verdict, Verdict))
