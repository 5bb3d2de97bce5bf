"""Writes docs/result.schema.json: what every command prints with --json, by the types that it is made of.

With --check it writes nothing, and exits with 1 if the file is not what it would write.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ackproof.campaigning import CampaignResult
from ackproof.cli.commands.judging.check import CheckedFile
from ackproof.cli.commands.judging.export import Exported
from ackproof.cli.commands.judging.verify import Verification
from ackproof.cli.commands.machines.clean import Cleaned
from ackproof.cli.commands.machines.hosts import CheckedHost
from ackproof.cli.commands.simulating.replay import ReplayedSteps
from ackproof.cli.commands.storing.site import WrittenSite
from ackproof.results import CommandResult
from harness.campaign.again.replaying import Replayed
from harness.campaign.bisect.bisecting import Bisected
from harness.campaign.findings.gathering import Finding
from harness.gate.result import GateResult
from harness.sim.cause.command import Cause
from harness.sim.command import CampaignSummary
from harness.sim.lockstep.check import CheckedCore
from harness.sim.resimulate import Resimulated
from harness.sim.seeds.hunting import Hunt
from harness.store.comparing import Comparison
from harness.store.entry import RunEntry
from harness.store.pruning import Pruned
from harness.systems.listing import ListedSystem

FILE = Path(__file__).resolve().parents[1] / "docs" / "result.schema.json"
ANY = dict[str, Any]
"""What is described by docs/json.md alone."""
RESULTS: Mapping[str, tuple[Any, ...]] = {
    "run": (),
    "analyze": (),
    "record": (),
    "maelstrom test": (),
    "sim": (CampaignSummary, ANY),
    "replay": (Replayed, ReplayedSteps),
    "lockstep check": (CheckedCore,),
    "cause": (Cause,),
    "resimulate": (Resimulated,),
    "explore": (ANY,),
    "mutants": (list[Hunt], list[ANY]),
    "campaign run": (CampaignResult,),
    "campaign merge": (CampaignResult,),
    "findings": (list[Finding],),
    "gate": (GateResult,),
    "bisect": (Bisected,),
    "check": (list[CheckedFile],),
    "verify": (list[Verification],),
    "export": (Exported,),
    "runs": (list[RunEntry],),
    "compare": (Comparison,),
    "site": (WrittenSite,),
    "prune": (Pruned,),
    "systems": (list[ListedSystem],),
    "systems check": (ANY,),
    "systems install": (list[ANY],),
    "hosts check": (list[CheckedHost],),
    "clean": (Cleaned,),
}
"""By command, the types that `result` may have; it may be null, too."""


def schema() -> dict[str, Any]:
    """The schema: the keys of all commands, and by command what `result` holds."""
    types = [one for each in RESULTS.values() for one in each]
    found, definitions = msgspec.json.schema_components(
        [CommandResult, *types], ref_template="#/$defs/{name}"
    )
    whole, *own = found
    cases = []
    for command, each in RESULTS.items():
        parts, own = own[: len(each)], own[len(each) :]
        result = {"anyOf": [{"type": "null"}, *parts]}
        then = {"properties": {"result": result}}
        cases.append({"if": {"properties": {"command": {"const": command}}}, "then": then})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a command of ackproof prints with --json",
        **whole,
        "allOf": cases,
        "$defs": definitions,
    }


def cleaned(part: Any) -> Any:
    """The same with descriptions as `inspect` cleans docstrings, which not every version of msgspec does."""
    if isinstance(part, list):
        return [cleaned(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: inspect.cleandoc(each) if name == "description" and isinstance(each, str) else cleaned(each)
        for name, each in part.items()
    }


def main() -> int:
    """Write the file, or compare it."""
    text = json.dumps(cleaned(schema()), indent=1, sort_keys=True) + "\n"
    if "--check" not in sys.argv:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/result.schema.json is not what the types say: run scripts/docs\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
