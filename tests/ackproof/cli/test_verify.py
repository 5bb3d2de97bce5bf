"""`ackproof check --certificate` and `ackproof verify`: a proof is written, verified, or refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.commands.judging.check import check
from ackproof.cli.commands.judging.verify import verify
from ackproof.cli.main import cli

VALID = """{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}
"""
STALE = """{:process 2, :type :invoke, :f :write, :value 2}
{:process 2, :type :ok, :f :write, :value 2}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}
"""
UNSERIALIZABLE = """{:process 0, :type :invoke, :f :txn, :value [[:append 1 1] [:r 2 nil]]}
{:process 1, :type :invoke, :f :txn, :value [[:append 2 1] [:r 1 nil]]}
{:process 0, :type :ok, :f :txn, :value [[:append 1 1] [:r 2 [1]]]}
{:process 1, :type :ok, :f :txn, :value [[:append 2 1] [:r 1 [1]]]}
"""


def run(command: str, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(check if command == "check" else verify, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"valid": VALID, "stale": VALID + STALE, "txn": UNSERIALIZABLE}.items():
        (tmp_path / f"{name}.edn").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "model", "code", "shown"),
    [
        ("valid", "register", 0, "PROVED VALID  an order of 2 operations on 1 key explains every reply"),
        ("stale", "register", 1, "PROVED INVALID  two values each came before the other"),
        ("txn", "list-append", 1, "PROVED INVALID  2 transactions depend on each other in a circle"),
    ],
)
def test_a_certificate_is_written_and_verifies(
    folder: Path, name: str, model: str, code: int, shown: str
) -> None:
    history, proof = str(folder / f"{name}.edn"), str(folder / "proof.json")
    found, out = run("check", history, "--model", model, "--certificate", proof)
    assert found == code
    assert f"certificate: {proof}" in out
    found, out = run("verify", history, proof)
    assert found == 0
    assert shown in out


def test_a_certificate_of_another_history_does_not_verify(folder: Path) -> None:
    valid, stale, proof = (str(folder / name) for name in ("valid.edn", "stale.edn", "proof.json"))
    run("check", valid, "--model", "register", "--certificate", proof)
    code, out = run("verify", stale, proof)
    assert code == 1
    assert "NOT PROVED  operation 4 was answered and is not in the order" in out


def test_without_a_proof_it_says_why_and_exits_2(folder: Path) -> None:
    valid, proof = str(folder / "valid.edn"), str(folder / "proof.json")
    code, out = run("check", valid, "--model", "unique-ids", "--certificate", proof)
    assert code in (2, 255)
    (folder / "none.json").write_text('{"model": "unique-ids", "claim": null, "without": "there is none"}')
    code, out = run("verify", valid, str(folder / "none.json"))
    assert code == 2
    assert "UNKNOWN  there is none" in out


def test_a_proof_that_is_too_large_exits_2(folder: Path) -> None:
    proof = folder / "proof.json"
    part = {"kind": "closed-part", "key": None, "until": 7}
    proof.write_bytes(msgspec.json.encode({"model": "register", "claim": "invalid", "proofs": [part]}))
    code, out = run("verify", str(folder / "stale.edn"), str(proof), "--configurations", "1")
    assert code == 2
    assert "exceeds 1 configurations" in out
    assert run("verify", str(folder / "stale.edn"), str(proof))[0] == 0


@pytest.mark.parametrize("content", ["", "[]", '{"model": "no-such", "claim": "valid"}', "{" * 10_000])
def test_what_is_no_certificate_exits_1_with_a_reason(folder: Path, content: str) -> None:
    (folder / "bad.json").write_text(content)
    code, out = run("verify", str(folder / "valid.edn"), str(folder / "bad.json"))
    assert code == 1
    assert "NOT PROVED  " in out


def test_a_certificate_is_for_one_history_at_a_time(folder: Path) -> None:
    file = str(folder / "valid.edn")
    arguments = ["check", file, file, "--model", "register", "--certificate", str(folder / "proof.json")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code != 0
    assert "one history at a time" in result.output


def test_a_certificate_that_cannot_be_written_leaves_the_verdict(folder: Path) -> None:
    command = ("check", str(folder / "valid.edn"), "--model", "register", "--certificate")
    code, out = run(*command, "/dev/full")
    assert code == 0
    assert "VALID" in out
    assert "the certificate could not be written" in out


def test_a_certificate_in_a_missing_folder_is_refused_before_the_work(folder: Path) -> None:
    proof = str(folder / "missing" / "proof.json")
    code, out = run("check", str(folder / "valid.edn"), "--model", "register", "--certificate", proof)
    assert code == 2  # as click ends; the command itself makes 254 of it
    assert "missing' does not exist: make it first" in out
