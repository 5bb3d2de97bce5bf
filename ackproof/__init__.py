"""Ackproof: test whether a replicated system keeps its promises while parts of it fail.

Judge operations that you recorded:

    import ackproof

    history = ackproof.read_history("etcd.log")               # any format that `ackproof check` reads
    verdict = ackproof.check(history, model="cas-register")
    assert verdict.validity == "valid", verdict.summary

Run a test, against real processes or in the simulated world:

    run = ackproof.run(ackproof.Test(nodes=("n1", "n2", "n3"), nemesis=("kill",), time_limit_s=10))
    run = ackproof.simulate(seed=7, nemesis=("partition",))
    print(run.validity, [verdict.summary for verdict in run.verdicts])

Look at a stored run, run a campaign, and list what campaigns found:

    stored = ackproof.load("store/latest")
    print(stored.history.groupby("f", observed=True)["latency_ns"].median(), stored.faults)
    done = ackproof.campaign({"cells": [{"workload": ["registry", "cas"]}], "seeds": 5})
    print(done.outcome, ackproof.findings("store"))

Everything in `__all__` is public, and is loaded when it is first used: importing this package is quick, and
loads nothing. docs/extending.md shows how to add a checker, a fault, a workload or a system of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ackproof.campaigning import CampaignResult, CampaignSummary, Finding, campaign, findings
    from ackproof.judging.checking import check, read_history
    from ackproof.loading import StoredRun, frame, load
    from ackproof.pytest_plugin.simulated import sim_test
    from ackproof.running import CouldNotRun, JudgedRun, Test, run, simulate
    from checkers import models
    from checkers.models import Call, Model
    from checkers.verdict import Checker, Evidence, Unjudged, Validity, Verdict
    from harness import generator
    from harness.nemesis import Fault
    from harness.systems.base import System
    from harness.workload import Workload
    from history import History, HistoryError, Operation, Recording

__all__ = [
    "Call",
    "CampaignResult",
    "CampaignSummary",
    "Checker",
    "CouldNotRun",
    "Evidence",
    "Fault",
    "Finding",
    "History",
    "HistoryError",
    "JudgedRun",
    "Model",
    "Operation",
    "Recording",
    "StoredRun",
    "System",
    "Test",
    "Unjudged",
    "Validity",
    "Verdict",
    "Workload",
    "campaign",
    "check",
    "findings",
    "frame",
    "generator",
    "load",
    "models",
    "read_history",
    "run",
    "sim_test",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'ackproof' has no attribute {name!r}")
    from ackproof.shadows import require_no_shadow

    if name != "sim_test":  # it works in a project that hides our packages: it uses another process
        require_no_shadow()
    value = _load(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load(name: str) -> Any:
    """Import the one module that defines this name, and nothing else."""
    if name in ("History", "HistoryError", "Operation", "Recording"):
        import history

        return getattr(history, name)
    if name in ("Checker", "Evidence", "Unjudged", "Validity", "Verdict"):
        from checkers import verdict

        return getattr(verdict, name)
    if name in ("Call", "Model", "models"):
        from checkers import models

        return models if name == "models" else getattr(models, name)
    if name in ("Fault", "System", "Workload", "generator"):
        return _load_part(name)
    if name == "sim_test":
        from ackproof.pytest_plugin.simulated import sim_test

        return sim_test
    return _load_function(name)


def _load_part(name: str) -> Any:
    """Import what a part of a test is made of."""
    from harness import generator
    from harness.nemesis import Fault
    from harness.systems.base import System
    from harness.workload import Workload

    if name == "generator":
        return generator
    return {"Fault": Fault, "System": System, "Workload": Workload}[name]


def _load_function(name: str) -> Any:
    """Import what does something, and what it takes and gives."""
    if name in ("check", "read_history"):
        from ackproof.judging import checking

        return getattr(checking, name)
    if name in ("StoredRun", "frame", "load"):
        from ackproof import loading

        return getattr(loading, name)
    if name in ("CampaignResult", "CampaignSummary", "Finding", "campaign", "findings"):
        from ackproof import campaigning

        return getattr(campaigning, name)
    from ackproof import running

    return getattr(running, name)
