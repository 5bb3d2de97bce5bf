"""The plugin in projects that do not use it, or that hide Ackproof's packages: it does no harm there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ackproof.shadows import PACKAGES
from tests import REPOSITORY
from tests.ackproof.pytest_plugin.projects import PLUGIN, outcome_of, write

OWN_MODULES = {f"{name}/__init__.py": "OURS = False\n" for name in PACKAGES}
LOADED = """
    import sys
    def test_what_is_loaded():
        ours = [name for name in sys.modules if name.partition(".")[0] in {roots!r}]
        assert sorted(ours) == {expected!r}, ours
"""


def source(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines()) + "\n"


def test_pytest_loads_the_plugin_by_an_entry_point() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"ackproof": PLUGIN}


def test_a_run_that_does_not_use_it_loads_one_module_of_ackproof(tmp_path: Path) -> None:
    text = LOADED.format(roots=("ackproof", *PACKAGES), expected=["ackproof", PLUGIN])
    project = write(tmp_path / "theirs", {"test_theirs.py": source(text)})
    done = outcome_of(project)
    assert done.status == 0, done.output
    assert not (project / ".ackproof").exists()


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with modules called like Ackproof's own packages, which its tests import."""
    text = f"""
    import sys
    import ackproof
    import pytest
    from ackproof import strategies
    {"; ".join(f"import {name}" for name in PACKAGES)}

    @pytest.mark.ackproof(world="sim", nodes=3, nemesis="kill", time_limit_s=8, seeds=[3])
    def test_valid(run):
        assert run.is_valid
        assert run.verdict("linearizability")["validity"] == "valid"
        assert run.operations[0]["type"] == "invoke"
        assert run.report.is_file()

    @ackproof.sim_test(seeds=1, start=3, nodes=3, nemesis="kill", time_limit_s=8, jobs=1)
    def test_seeds(sim):
        assert (sim.seeds, sim.valid) == (1, 1)

    def test_registry():
        registry = strategies.simulated_registry(nodes=1, faults=[])()
        assert registry.register("svc/10.0.0.1:80", "r1")
        assert registry.lookup("svc/10.0.0.1:80") == "r1"
        registry.close()

    @pytest.mark.ackproof_cluster(world="sim", nodes=1)
    def test_a_history_of_their_own(cluster):
        with cluster.history.operation(0, "write", "x", 1) as write:
            write.ok()
        assert cluster.check(model="register")

    def test_the_library_says_what_works_in_its_place():
        with pytest.raises(ImportError, match="hides Ackproof's own .* judge by the fixture `cluster`"):
            ackproof.check([], "register")

    def test_theirs_are_loaded_still():
        assert not reports.OURS and not harness.OURS
        assert [name for name in sys.modules if name.partition(".")[0] in {PACKAGES!r}] == {list(PACKAGES)!r}
    """
    return write(tmp_path_factory.mktemp("hidden") / "project", {**OWN_MODULES, "test_it.py": source(text)})


def test_it_works_where_the_project_has_modules_of_the_same_names(hidden: Path) -> None:
    done = outcome_of(hidden)
    assert done.status == 0, done.output
    assert list(done.cases) == [
        "test_valid[seed-3]",
        "test_seeds",
        "test_registry",
        "test_a_history_of_their_own",
        "test_the_library_says_what_works_in_its_place",
        "test_theirs_are_loaded_still",
    ]
    assert not (hidden / ".ackproof").exists(), "what passed is not kept"
