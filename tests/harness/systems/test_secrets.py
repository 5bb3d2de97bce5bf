"""Secret options are used, and written nowhere: no run's folder and no journal holds one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackproof.cli.options import system_options
from harness.campaign.cells import Cell
from harness.campaign.journal import CrashLine, Journal
from harness.campaign.outcomes import Outcome
from harness.campaign.reading import plan_in
from harness.client.carrying import Carrier
from harness.client.clients import Site, lost
from harness.concealing import concealed
from harness.errors import CouldNotRun
from harness.run.folder import RunFolder
from harness.run.test import Test
from harness.systems.secrets import (
    VARIABLE,
    command_without_secrets,
    hidden,
    is_reference,
    is_secret,
    revealed,
    without_secrets,
)
from history import Operation
from tests.harness.campaign.fakes import carried_out, plan

SECRET = "hunter2-is-mine"
ACKPROOF = str(Path(sys.executable).with_name("ackproof"))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets in the environment is gone after it."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def holds_secret(folder: Path) -> list[str]:
    """The files of a folder that hold the secret."""
    return [
        file.name for file in folder.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()
    ]


@pytest.mark.parametrize("name", ["password", "db-password", "apiKey", "API_KEY", "TLSKey", "access.token"])
def test_names_that_say_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["binary", "keyspace", "monkey", "tokenizer", "reads", "author"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret(name)


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}(password|-key)?", fullmatch=True), st.text(max_size=9))
)
def test_what_is_kept_names_no_literal_secret_and_keeps_the_rest(options: dict[str, str]) -> None:
    kept = without_secrets(options)
    for name, text in options.items():
        assert kept[name] == text if not is_secret(name) else is_reference(kept[name])
    assert without_secrets(kept) == kept


def test_a_literal_secret_is_used_here_and_kept_as_a_variable() -> None:
    kept = hidden({"password": SECRET, "binary": "x"})
    assert kept == {"password": f"env:{VARIABLE}PASSWORD", "binary": "x"}
    assert revealed(kept) == {"password": SECRET, "binary": "x"}
    assert hidden(kept) == kept
    other = hidden({"password": "another"})
    assert (revealed(other), revealed(kept)["password"]) == ({"password": "another"}, SECRET)


def test_references_are_looked_up_and_what_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    os.environ["MINE"] = SECRET
    assert revealed({"a": "env:MINE", "b": f"file:{file}"}) == {"a": SECRET, "b": SECRET}
    with pytest.raises(ValueError, match="variable OTHER, which is not set; secrets are not kept"):
        revealed({"a": "env:OTHER"})
    with pytest.raises(ValueError, match="file /no/such, which cannot be read"):
        revealed({"a": "file:/no/such"})


def test_a_command_is_kept_without_secrets() -> None:
    command = [
        "ackproof",
        "run",
        "--system-option",
        f"password={SECRET}",
        f"--system-option=api-key={SECRET}",
    ]
    assert command_without_secrets([*command, "--system-option", "binary=x", "--seed", "3"]) == [
        *("ackproof", "run", "--system-option", f"password=env:{VARIABLE}PASSWORD"),
        *(f"--system-option=api-key=env:{VARIABLE}API_KEY", "--system-option", "binary=x", "--seed", "3"),
    ]


def test_a_runs_folder_holds_no_secret(tmp_path: Path) -> None:
    test = Test(nodes=("n1",), system_options={"password": SECRET, "binary": "x"})
    folder = RunFolder.create(tmp_path, test)
    folder.write_test(test, 0, ["ackproof", "run", "--system-option", f"password={SECRET}"])
    assert holds_secret(tmp_path) == []
    assert '"binary": "x"' in folder.test_json.read_text()


def test_a_campaign_holds_no_secret_and_needs_it_again_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        f'[[cells]]\nworld = "local"\nsystem = "redis"\nsystem_options = {{ password = "{SECRET}" }}\n'
    )
    read = plan_in(file)
    (cell,) = read.cells
    literal = Cell(world="local", system="redis", system_options=(("password", SECRET),))
    for wanted in (read, plan(literal)):
        journal = Journal.create(tmp_path / "store", wanted)
        (kept,) = journal.stored.plan.cells
        assert revealed(dict(kept.system_options)) == {"password": SECRET}
        assert SECRET not in " ".join([kept.name, *kept.arguments(3)])
        journal.close()
        Journal.resume(journal.folder).close()
    assert SECRET not in cell.name
    assert holds_secret(tmp_path / "store") == []
    del os.environ[f"{VARIABLE}PASSWORD"]
    with pytest.raises(CouldNotRun, match=r"redis.*ACKPROOF_SECRET_PASSWORD, which is not set"):
        Journal.resume(journal.folder)


def test_the_command_line_takes_secrets_out_at_once() -> None:
    taken = system_options(None, None, (f"password={SECRET}", "a=b"))  # type: ignore[arg-type]
    assert taken == {"password": f"env:{VARIABLE}PASSWORD", "a": "b"}


class Refused:
    """A client of a system whose errors quote the password."""

    def __init__(self, site: Site) -> None:
        self.password = SECRET

    def open(self) -> None:
        """There is no connection to open."""

    def perform(self, operation: Operation) -> Operation:
        if operation.key == "raised":
            raise OSError(f"http://me:{self.password}@n1 does not answer")
        return lost(operation, f"{self.password} is no password here")

    def close(self) -> None:
        """There is nothing to close."""


class World:
    """Two nodes at ordinary addresses, that nothing asks."""

    members: ClassVar = {"n1": {"client": "127.0.0.1:1"}}
    sockets = None

    def entering(self) -> nullcontext[None]:
        return nullcontext()


@pytest.mark.parametrize("key", ["raised", "answered"])
def test_an_error_of_a_client_that_quotes_a_secret_is_recorded_without_it(key: str) -> None:
    revealed({"password": SECRET})

    async def done() -> Operation:
        async with Carrier(Refused, None, World(), timeout_s=5) as carrier:
            return await carrier.perform(Operation(0, 0, 0, "invoke", "write", key, SECRET, node="n1"))

    completion = asyncio.run(done())
    assert completion.type == "info"
    assert completion.error is not None
    assert SECRET not in completion.error
    assert f"env:{VARIABLE}PASSWORD" in completion.error
    assert completion.value == SECRET, "what a workload wrote is data, which judges compare"


@pytest.mark.parametrize("given", ["literal", "variable", "file"])
def test_no_way_of_giving_a_secret_leaves_it_in_an_error(given: str, tmp_path: Path) -> None:
    secret = f"{SECRET}-{given}"
    (tmp_path / "password").write_text(secret + "\n")
    os.environ["MY_PASSWORD"] = secret
    text = {"literal": secret, "variable": "env:MY_PASSWORD", "file": f"file:{tmp_path}/password"}[given]
    name = "password" if given == "literal" else "login"
    assert revealed(hidden({name: text})) == {name: secret}
    assert secret not in concealed(f"no login with {secret}, {secret}")


def test_short_secrets_do_not_change_the_words_of_errors() -> None:
    revealed({"password": "a"})
    assert concealed("a node was asked") == "a node was asked"


def test_a_run_that_could_not_be_done_is_kept_without_the_secret(tmp_path: Path) -> None:
    def refused(_cell: Cell, _seed: int) -> Outcome:
        raise CouldNotRun(f"login with {SECRET} was refused")

    cell = Cell(world="local", system="redis", system_options=(("password", SECRET),), seeds=1)
    stored = carried_out(tmp_path / "store", plan(cell), refused)
    assert [line.why for line in stored.lines if isinstance(line, CrashLine)]
    assert holds_secret(tmp_path / "store") == []


def test_why_a_runs_work_ended_early_is_kept_without_the_secret(tmp_path: Path) -> None:
    test = Test(nodes=("n1",), system_options={"password": SECRET})
    revealed({"password": SECRET})
    folder = RunFolder.create(tmp_path, test)
    folder.write_test(test, 0, ["ackproof", "run"])
    folder.write_ended_early(f"no operation succeeded: login with {SECRET} was refused")
    assert holds_secret(tmp_path) == []


def test_a_command_that_could_not_run_prints_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "class Mine:\n"
        "    @classmethod\n"
        "    def of(cls, options):\n"
        "        raise OSError('no login with ' + options['system_options']['password'])\n"
    )
    for rest in ((), ("--json",)):
        done = subprocess.run(
            (
                *(ACKPROOF, "run", "--system", f"{file}:Mine", "--world", "local"),
                *(f"--system-option=password={SECRET}", "--store", str(tmp_path / "store"), *rest),
            ),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode >= 254
        assert "no login with env:" in done.stderr
        assert SECRET not in done.stdout + done.stderr
