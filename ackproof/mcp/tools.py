"""What an agent is offered: to look into the store, to judge histories in it, and, if it may, to run tests.

Each tool answers with the keys that `ackproof COMMAND --json` prints (docs/json.md), cut to a bounded size.
The docstrings are what an agent reads of a tool.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ackproof.loading import load
from ackproof.mcp.bounded import bounded
from ackproof.mcp.commands import done
from ackproof.mcp.confined import ConfinedStore
from ackproof.results import about_folder, result_of
from checkers.causes import root_causes_first
from checkers.check_all import Results
from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun, unknown_name
from harness.run.folder import RunFolder
from harness.store.choice import VERDICTS, Choice, chosen
from harness.store.index import entries
from harness.systems.catalogue import SYSTEMS

LONGEST_S = 900
"""The most seconds that a tool may be asked to work."""
REST_S = 300.0
"""Seconds that a run may take in addition to its work: starting, healing, reading back, judging."""
MOST_LISTED = 100
CHECK_MEMORY_MIB = 1024
_FINDING = re.compile(r"[0-9a-f]{10}|[A-Za-z0-9_][A-Za-z0-9_.-]*:\d+:\d+", re.ASCII)
_VERSIONED = re.compile(r"[a-z][a-z0-9-]*(?:@[A-Za-z0-9_.+-]{1,40})?", re.ASCII)
_WORDS = re.compile(r"[A-Za-z0-9_.,:@ -]{1,200}", re.ASCII)


class AgentTools:
    """The tools over one store. One test runs at a time."""

    def __init__(self, store: ConfinedStore, *, may_run: bool) -> None:
        self._store = store
        self._may_run = may_run
        self._running = asyncio.Lock()

    async def runs(self, limit: int = 20, contains: str = "", verdict: str = "") -> dict[str, Any]:
        """List the stored runs, the newest first: folder, verdict, what was tested, seed, why it failed.

        Args:
            limit: how many, at most 100.
            contains: only runs that hold this text in one of their facts, such as a workload.
            verdict: only runs that ended so: valid, invalid, unknown, in progress, not judged, damaged or
                newer (a newer version wrote it).
        """
        if verdict and verdict not in VERDICTS:
            raise CouldNotRun(unknown_name("verdict", verdict[:80], VERDICTS))
        choice = Choice(text=contains, verdicts=(verdict,) if verdict else ())
        found = chosen(await asyncio.to_thread(entries, self._store.folder), choice)
        rows = msgspec.to_builtins(found[: max(1, min(limit, MOST_LISTED))])
        return bounded({"runs": rows, "of": len(found)})

    async def report(self, run: str = "latest", checker: str = "") -> dict[str, Any]:
        """Give the verdicts on a stored run, root causes first, each with its evidence.

        Args:
            run: the folder of a run, as `runs` lists it.
            checker: only the verdict of this checker, with all of its evidence and measures.
        """
        folder, results = self._judged(run)
        ordered = _grave_first(results)
        if checker:
            names = [verdict.checker for verdict in ordered]
            if checker not in names:
                raise CouldNotRun(unknown_name("checker", checker, names))
            ordered = [verdict for verdict in ordered if verdict.checker == checker]
        else:
            ordered = [_without_measures(verdict) for verdict in ordered]
        about = about_folder(folder, results.validity)
        code = {Validity.VALID: 0, Validity.INVALID: 1, Validity.UNKNOWN: 2}[results.validity]
        shown = msgspec.structs.replace(results, verdicts=tuple(ordered))
        return bounded(result_of("report", code, shown, about=about))

    async def cause(self, run: str = "latest") -> dict[str, Any]:
        """Say why a stored run is invalid: each root cause with its evidence, and what follows from it.

        Args:
            run: the folder of a run, as `runs` lists it.
        """
        folder, results = self._judged(run)
        explained = root_causes_first(results.verdicts)
        causes = [
            {
                "checker": one.verdict.checker,
                "summary": one.verdict.summary,
                "evidence": one.verdict.evidence[:3],
                "explains": [other.verdict.checker for other in explained if one.verdict.checker in other.by],
            }
            for one in explained
            if not one.by
        ]
        undecided = [one.summary for one in results.decisive if one.validity is Validity.UNKNOWN]
        about = about_folder(folder, results.validity)
        return bounded(
            {
                "run": run,
                "validity": results.validity,
                "causes": causes,
                "undecided": undecided,
                "report": about.report,
                "next": about.next,
            }
        )

    async def findings(self, limit: int = 10) -> dict[str, Any]:
        """List what the store's campaigns found, what to look at first on top.

        Args:
            limit: how many, at most 100.
        """
        found = await self._command(["findings", f"--store={self._store.folder}"], 120)
        rows = found.get("result") or []
        most = max(1, min(limit, MOST_LISTED))
        return bounded({**found, "result": rows[:most], "of": len(rows)})

    async def check(
        self,
        path: str,
        model: str,
        consistency: str = "",
        options: dict[str, str] | None = None,
        format: str = "",
        seconds: int = 60,
    ) -> dict[str, Any]:
        """Judge a recorded history in the store: a file of any known format, or a run's folder.

        Args:
            path: relative to the store.
            model: what it must keep: register, cas-register, queue, set, list-append, rw-register, bank, ...
            consistency: for transactions: serializable, snapshot-isolation, ...
            options: what the model needs to know, such as {"total": "100"} for bank.
            format: the format's name; by default it is recognized.
            seconds: what is not decided by then is unknown.
        """
        words = ["check", str(self._store.history(path)), f"--model={model}", f"--seconds={_within(seconds)}"]
        words += [f"--memory-mib={CHECK_MEMORY_MIB}"]
        words += [f"--consistency={consistency}"] if consistency else []
        words += [f"--format={format}"] if format else []
        words += [f"--option={name}={value}" for name, value in (options or {}).items()]
        return bounded(await self._command(words, _within(seconds) + 60))

    async def replay(self, finding: str, seconds: int = 120) -> dict[str, Any]:
        """Say whether a finding is still there: FIXED, STILL FAILS or CANNOT TELL. It runs tests.

        Args:
            finding: a fingerprint of `findings`, or one run of a campaign: CAMPAIGN:CELL:SEED.
            seconds: begin no run after this many seconds.
        """
        self._refuse_unless_allowed()
        if _FINDING.fullmatch(finding) is None:
            raise CouldNotRun(
                f"{finding[:80]!r} is no fingerprint (ten of 0-9, a-f) and no CAMPAIGN:CELL:SEED"
            )
        words = ["replay", finding, f"--store={self._store.folder}", f"--seconds={_within(seconds)}"]
        return bounded(await self._alone(words, _within(seconds) + REST_S))

    async def run(
        self,
        world: Literal["sim", "local"] = "sim",
        workload: str = "",
        nemesis: str = "",
        nodes: int = 0,
        seed: int = 0,
        time_limit_s: int = 10,
        system: str = "reference-node",
        mutant: str = "",
    ) -> dict[str, Any]:
        """Run one test into the store, and judge it. The answer has the verdicts and the run's folder.

        Args:
            world: sim is the simulated world, for the reference node; local starts real processes here.
            workload: what clients do: registry, register, cas, queue, ...; by default the system's first.
            nemesis: faults separated by commas, such as kill,partition; none for no fault.
            nodes: how many nodes; 0 for the usual number.
            seed: in the simulated world, the same seed gives the same run.
            time_limit_s: seconds of work and faults.
            system: a listed system, such as etcd or etcd@3.5.1; only with world local.
            mutant: a seeded bug of the reference node.
        """
        self._refuse_unless_allowed()
        _refuse_foreign(system, (workload, nemesis, mutant))
        if world == "sim" and system != "reference-node":
            raise CouldNotRun(
                f"the simulated world has only the reference node; run {system} with world local"
            )
        words = ["sim"] if world == "sim" else ["run", f"--system={system}"]
        words += [f"--store={self._store.folder}", f"--seed={seed}", f"--time-limit={_within(time_limit_s)}"]
        given = {"workload": workload, "nemesis": nemesis, "mutant": mutant, "nodes": str(nodes or "")}
        words += [f"--{name}={value}" for name, value in given.items() if value]
        return bounded(await self._alone(words, _within(time_limit_s) + REST_S))

    def _judged(self, run: str) -> tuple[RunFolder, Results]:
        path = self._store.run(run)
        results = load(path).results
        if results is None:
            raise CouldNotRun(f"{run} was not judged yet: ackproof analyze {path}")
        return RunFolder(path), results

    async def _command(self, words: Sequence[str], bound_s: float) -> dict[str, Any]:
        found = await done(words, bound_s)
        if found.get("error"):
            raise CouldNotRun(str(found["error"]))
        return found

    async def _alone(self, words: Sequence[str], bound_s: float) -> dict[str, Any]:
        if self._running.locked():
            raise CouldNotRun("another test goes on; ask again when it has ended")
        async with self._running:
            return await self._command(words, bound_s)

    def _refuse_unless_allowed(self) -> None:
        if not self._may_run:
            raise CouldNotRun(
                "this server only reads; a person may start it with `ackproof mcp --allow-runs`"
            )


def _refuse_foreign(system: str, names: Sequence[str]) -> None:
    """Refuse a system that is not listed, as a path would have this machine execute a file, and odd names."""
    if _VERSIONED.fullmatch(system) is None or system.partition("@")[0] not in SYSTEMS:
        raise CouldNotRun(unknown_name("system", system[:80], SYSTEMS))
    for name in names:
        if name and _WORDS.fullmatch(name) is None:
            raise CouldNotRun(f"{name[:80]!r} is no name of a workload, fault or mutant")


def _within(seconds: int) -> int:
    """A number of seconds that is allowed."""
    if not 1 <= seconds <= LONGEST_S:
        raise CouldNotRun(f"{seconds} seconds: 1 to {LONGEST_S} are allowed")
    return seconds


def _grave_first(results: Results) -> list[Verdict]:
    """Root causes, their consequences, other doubts, and the rest."""
    first = [one.verdict for one in root_causes_first(results.verdicts)]
    first += [one for one in results.decisive if one not in first]
    return [*first, *(one for one in results.verdicts if one not in first)]


def _without_measures(verdict: Verdict) -> Verdict:
    """The verdict in short; the tool gives all of one checker that is asked for."""
    evidence = verdict.evidence[:5]
    return msgspec.structs.replace(verdict, measures={}, evidence=evidence)
