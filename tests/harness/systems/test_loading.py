"""A system of the user's own is loaded from its file, and what is wrong with it is said in one line."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.run.test import Test
from harness.systems import REFERENCE_NODE, SYSTEMS, client_for, system_of
from harness.systems.base import System
from harness.systems.catalogue import fitting_workloads
from harness.systems.listing import listed_systems
from harness.systems.loading import REQUIRED
from harness.systems.reference_node import ReferenceNode
from harness.workload import WORKLOADS, workload

OPTIONS = Test(nodes=("n1",)).options()
GOOD = """
from helper import NAME

class Good:
    name = NAME
    ports = {"client": 8000}
    links = "proxies"
    clients = {}
    def launch(self, place): return None
    async def status(self, place, net): return None

class WithOptions(Good):
    def __init__(self, rate): self.name = f"good at {rate:g}"
    @classmethod
    def of(cls, options): return cls(options["rate"])

made = WithOptions(5.0)

class Choosy(Good):
    @classmethod
    def of(cls, options):
        choosy = cls()
        choosy.name = f"{options['system_version']} in {options['system_options']['colour']}"
        return choosy

class Mute(Good):
    def version(self): return {}["version"]

class Raises(Good):
    def __init__(self): raise RuntimeError("no such port")

class Client:
    def perform(self, operation): return operation

class WithHalfAClient(Good):
    clients = {"register": Client}

class WithOddLinks(Good):
    links = "proxy"

class WithoutClientPort(Good):
    ports = {"http": 8000}

class WithAList(Good):
    clients = ["register"]

class Half:
    name = "half"
"""


@pytest.fixture(autouse=True)
def unchanged_path() -> Iterator[None]:
    before, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def good(tmp_path: Path) -> str:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "helper.py").write_text("NAME = 'good'\n")
    return str(tmp_path / "good.py")


def test_a_system_is_known_by_name() -> None:
    assert system_of(REFERENCE_NODE, OPTIONS) == ReferenceNode()
    slow = Test(nodes=("n1",), heartbeat_ms=200, lease=True, clock_drift_bound_percent=7)
    assert system_of(REFERENCE_NODE, slow.options()) == ReferenceNode(
        heartbeat_ms=200, lease_drift_bound_percent=7
    )


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_listed_system_is_a_system_and_runs_some_workload(name: str) -> None:
    system = system_of(name, OPTIONS)
    assert isinstance(system, System)
    assert fitting_workloads(system) != ()


def test_a_workload_fits_a_system_that_has_its_data_type_and_no_other() -> None:
    fit = fitting_workloads(ReferenceNode())
    assert {"registry", "sessions", "ephemeral", "membership", "register", "cas"} <= set(fit)
    for name in WORKLOADS:
        work = workload(name, ("n1", "n2", "n3"), 4)
        if name in fit:
            assert client_for(ReferenceNode(), work) is not None
        else:
            with pytest.raises(ValueError, match=f"needs the data type {work.data_type}.* registry, "):
                client_for(ReferenceNode(), work)


@pytest.mark.parametrize(
    ("name", "shown"), [("Good", "good"), ("WithOptions", "good at 300"), ("made", "good at 5")]
)
def test_a_system_is_found_by_its_file_and_name(good: str, name: str, shown: str) -> None:
    assert system_of(f"{good}:{name}", OPTIONS).name == shown


def test_the_members_that_are_asked_for_are_those_of_a_system() -> None:
    assert set(REQUIRED) == {member for member in vars(System) if not member.startswith("_")}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Goood", "unknown name 'Goood': did you mean 'Good'? known are Choosy, Good, Mute, "),
        ("Raises", "cannot be made: line 30: RuntimeError: no such port"),
        ("Half", "is not a system: it lacks clients, launch, links, ports, status"),
        ("NAME", "is not a system: it lacks"),
        ("WithOddLinks", "links is 'proxy', and must be one of 'proxies', 'addresses'"),
        ("WithoutClientPort", "ports names no 'client'"),
        ("WithAList", "clients is list, and must be a mapping"),
        ("WithHalfAClient", "WithHalfAClient: its client of register lacks open, close"),
    ],
)
def test_a_name_that_is_no_system_is_refused(good: str, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"good\.py") as refused:
        system_of(f"{good}:{name}", OPTIONS)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nraise KeyError('port')\n", "cannot be loaded: line 2: KeyError: 'port'"),
        ("def f(:\n", "cannot be loaded: line 1: SyntaxError"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("import sys; sys.exit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_with_the_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.py:System cannot be loaded") as refused:
        system_of(f"{file}:System", OPTIONS)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reference-nod", "did you mean 'reference-node'?"),
        ("no_such.py:System", "there is no file"),
        ("no_such.py", "give no_such.py:NAME"),
        ("no_such.py:", "give no_such.py:NAME"),
        (":System", "does not say which system"),
        ("README.md:System", "its name must end with .py"),
    ],
)
def test_a_name_that_names_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        system_of(name, OPTIONS)


@pytest.mark.parametrize("option", ["mutant", "lease"])
def test_options_of_the_reference_node_are_refused_for_other_systems(good: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"--{option} is for the system reference-node"):
        system_of(f"{good}:Good", {**OPTIONS, option: "forgetful"})


def test_a_workload_that_does_not_fit_is_refused_with_those_that_do() -> None:
    class OnlyConfigs(ReferenceNode, frozen=True):
        clients = {"cas-register": ReferenceNode.clients["cas-register"]}  # noqa: RUF012 - frozen, never changed

    with pytest.raises(ValueError, match="workload registry needs the data type registry") as refused:
        client_for(OnlyConfigs(), workload("registry", ("n1",), 1))
    assert "has cas-register; workloads that fit: cas" in str(refused.value)


@pytest.mark.parametrize("name", [REFERENCE_NODE, "{good}:Good", "{good}:made", "{toml}"])
def test_what_a_system_would_ignore_is_refused(good: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.toml").write_text("")
    name = name.format(good=good, toml=tmp_path / "mine.toml")
    with pytest.raises(ValueError, match="takes no --system-option, so not colour, size") as refused:
        system_of(name, {**OPTIONS, "system_options": {"colour": "red", "size": "3"}})
    assert name in str(refused.value)


@pytest.mark.parametrize("name", [REFERENCE_NODE, "maelstrom", "offered"])
def test_a_version_that_a_system_would_ignore_is_refused(installed: None, name: str) -> None:
    with pytest.raises(ValueError, match=f"system {name} has no versions to choose from: leave out @9"):
        system_of(f"{name}@9", OPTIONS)


def test_an_installed_system_with_options_is_given_version_and_options(installed: None) -> None:
    options = {**OPTIONS, "system_options": {"colour": "red"}}
    assert system_of("choosy@2.1", options).name == "2.1 in red"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers systems is installed, as a wheel, by pip."""
    wheel = tmp_path / "offered-1.0-py3-none-any.whl"
    files = {
        "offered.py": GOOD.replace("from helper import NAME", "NAME = 'offered'"),
        "offered-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n",
        "offered-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "offered-1.0.dist-info/RECORD": "",
        "offered-1.0.dist-info/entry_points.txt": "[ackproof.systems]\noffered = offered:Good\n"
        "choosy = offered:Choosy\nbroken = offered:Raises\nmute = offered:Mute\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    place = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(place), str(wheel)], check=True, timeout=60)
    monkeypatch.syspath_prepend(place)


def test_an_installed_package_offers_systems_by_entry_points(installed: None) -> None:
    assert system_of("offered", OPTIONS).name == "offered"
    with pytest.raises(ValueError, match="broken cannot be made: RuntimeError: no such port"):
        system_of("broken", OPTIONS)
    with pytest.raises(ValueError, match="did you mean 'offered'"):
        system_of("offerd", OPTIONS)
    rows = {row.name: row for row in listed_systems(OPTIONS)}
    assert rows["offered"].is_here
    assert not rows["broken"].is_here
    assert rows["mute"].here == "the system's version raised KeyError: 'version' (offered.py, line 27)"
