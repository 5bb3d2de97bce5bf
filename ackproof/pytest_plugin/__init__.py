"""The pytest plugin: marks, fixtures and hooks. docs/pytest.md shows how to use it.

pytest imports this module at the start of every test run of every project where Ackproof is installed. So it
imports pytest and the standard library alone, and each other module of this folder only when a test uses it.

No module of this folder but `companion` imports Ackproof's other packages: a project may have modules called
`reports`, `harness`, `history` or `checkers` of its own. What needs them runs in other processes: one
`ackproof run` for each test case of real processes, and one companion (companion/) for all else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ackproof.pytest_plugin.cases import Run
    from ackproof.pytest_plugin.clusters import Cluster
    from ackproof.pytest_plugin.simulated import Simulated

MARKS = {
    "ackproof": "(system=, workload=, nemesis=, nodes=, time_limit_s=, seeds=, ...): run a test of a "
    "replicated system for each seed before the body; the fixture `run` has its verdict (docs/pytest.md)",
    "ackproof_sim": "(seeds=, ...): run simulated seeds before the body, and shrink the first that fails; "
    "made by ackproof.sim_test",
    "ackproof_cluster": "(nodes=, system=, world=, faults=, ...): what the fixture `cluster` starts",
}
SEED = "ackproof_seed"
"""The name under which a test case's seed is among its parameters."""
KEPT = "ackproof_kept"
"""The attribute of a test's report that lists the reports that were kept. pytest-xdist carries it over."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("ackproof", "tests of replicated systems")
    group.addoption(
        "--ackproof-store",
        metavar="FOLDER",
        help="Where runs of tests that failed are kept.  [default: .ackproof in the root folder]",
    )
    group.addoption("--ackproof-keep", action="store_true", help="Also keep the runs of tests that passed.")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, so that --strict-markers accepts them."""
    for name, about in MARKS.items():
        config.addinivalue_line("markers", f"{name}{about}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test case of each seed."""
    mark = metafunc.definition.get_closest_marker("ackproof")
    if mark is None:
        return
    from ackproof.pytest_plugin import cases
    from ackproof.pytest_plugin.errors import shown_alone

    _, line, _ = metafunc.definition.reportinfo()
    with shown_alone(f"{metafunc.definition.nodeid.partition('::')[0]}, line {(line or 0) + 1}"):
        seeds = cases.seeds_of(mark)
    metafunc.fixturenames.append(SEED)
    metafunc.parametrize(SEED, seeds, ids=[f"seed-{seed}" for seed in seeds])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """After a test, remove what it stored, unless it failed."""
    try:
        return (yield)
    finally:
        if _is_used():
            from ackproof.pytest_plugin import records

            records.close(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget an earlier run of the same test: a plugin repeats it."""
    if _is_used():
        from ackproof.pytest_plugin import cases

        cases.forget(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a marked test before its body; if the body did not look at the verdict, it must be valid."""
    if item.get_closest_marker("ackproof") is None and item.get_closest_marker("ackproof_sim") is None:
        return (yield)
    from ackproof.pytest_plugin import cases, errors

    with errors.shown_alone():
        case = cases.performed(item)
    result = yield
    case.require_a_look()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what its runs found, and name the reports that are kept."""
    report = yield
    if _is_used():
        from ackproof.pytest_plugin import records

        records.add_to(report, item)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the reports that were kept."""
    kept = dict.fromkeys(
        path
        for reports in terminalreporter.stats.values()
        for report in reports
        for path in getattr(report, KEPT, ())
    )
    if kept:
        terminalreporter.section("ackproof: reports of what failed")
        for path in kept:
            terminalreporter.write_line(path)


def pytest_unconfigure() -> None:
    """End the companion, if there is one."""
    if _is_used():
        from ackproof.pytest_plugin import calling

        calling.close()


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """The run of a test with the mark `ackproof`, and its verdict."""
    from ackproof.pytest_plugin import cases, errors

    with errors.shown_alone():
        return cases.run_of(request.node)


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Simulated:
    """What the seeds of a test with `ackproof.sim_test` showed."""
    from ackproof.pytest_plugin import cases, errors

    with errors.shown_alone():
        return cases.simulated_of(request.node)


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A running cluster, ended after the test; the mark `ackproof_cluster` says of what."""
    from ackproof.pytest_plugin import clusters

    with clusters.opened(request.node) as found:
        yield found


def _is_used() -> bool:
    """Whether any test of this process has used the plugin; if not, nothing of it need be loaded."""
    import sys

    return "ackproof.pytest_plugin.records" in sys.modules
