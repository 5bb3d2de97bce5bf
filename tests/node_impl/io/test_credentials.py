from __future__ import annotations

import os
from pathlib import Path

import pytest

from node_impl.io.credentials import CannotUse, access, is_loopback, peer_secret, tls_context
from node_impl.io.http.access import Role
from node_impl.io.sparing import LINES_A_SECOND, SparingReport
from node_impl.io.transport import Address, Hello

KEY = "k" * 32
HELLO = Hello("c1", "n1", "n2", bytes(32))


def written(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_the_same_secret_is_read_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    environment = {"ACKPROOF_PEER_SECRET": KEY, "PATH": "/bin"}
    of_environment = peer_secret(None, environment)
    of_file = peer_secret(written(tmp_path, f"{KEY}\n"), {})
    assert of_environment.sign(b"x", HELLO, b"") == of_file.sign(b"x", HELLO, b"")
    assert environment == {"PATH": "/bin"}, "no process of the node inherits it"
    assert not peer_secret(None, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(CannotUse, match=r"is open to other users; run chmod 600"):
        peer_secret(written(tmp_path, KEY, mode), {})


def test_what_is_no_secret_is_refused_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(CannotUse, match="has 6 bytes; take at least 32") as caught:
        peer_secret(written(tmp_path, "hunter\n"), {})
    assert "hunter" not in str(caught.value)
    with pytest.raises(CannotUse, match="ACKPROOF_PEER_SECRET has 6 bytes"):
        peer_secret(None, {"ACKPROOF_PEER_SECRET": "hunter"})
    with pytest.raises(CannotUse, match="give it once"):
        peer_secret(written(tmp_path, KEY), {"ACKPROOF_PEER_SECRET": KEY})
    with pytest.raises(CannotUse, match="cannot be read: No such file"):
        peer_secret(tmp_path / "absent", {})
    with pytest.raises(CannotUse, match="more than 65536 bytes"):
        peer_secret(written(tmp_path, "x" * 70_000), {})
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(CannotUse, match="no regular file"):
        peer_secret(tmp_path / "pipe", {})


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("node.example", False)],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, is_local: bool) -> None:
    assert is_loopback(Address(host, 1)) is is_local


def test_strangers_cannot_fill_the_log() -> None:
    lines: list[str] = []
    now_s = 7.0
    report = SparingReport(lines.append, lambda: now_s)
    for number in range(1000):
        report(f"line {number}")
    assert lines == [f"line {number}" for number in range(LINES_A_SECOND)]
    now_s = 8.0
    report("the next")
    assert lines[LINES_A_SECOND:] == ["980 more lines of this kind were left out", "the next"]


def role_of(is_local: bool, tokens: str | None = None, anonymous: Role | None = None) -> Role:
    return access(None, anonymous, is_local, {} if tokens is None else {"ACKPROOF_TOKENS": tokens}).anonymous


def test_without_a_token_members_are_changed_from_this_machine_alone() -> None:
    tokens = "admin " + "a" * 20
    assert (role_of(True), role_of(False)) == (Role.ADMIN, Role.WRITE)
    assert (role_of(True, tokens), role_of(False, tokens)) == (Role.NONE, Role.NONE)
    assert role_of(False, tokens, Role.WRITE) is Role.WRITE
    for given in (None, tokens):
        with pytest.raises(CannotUse, match="--anonymous admin would let every machine"):
            role_of(False, given, Role.ADMIN)


def test_tokens_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotUse, match="ACKPROOF_TOKENS: line 1 begins with no role"):
        role_of(True, "hunter2")
    with pytest.raises(CannotUse, match=r"--tokens .* is open to other users"):
        access(written(tmp_path, "admin " + "a" * 20, 0o644), None, True, {})
    with pytest.raises(CannotUse, match="give them once"):
        access(written(tmp_path, ""), None, True, {"ACKPROOF_TOKENS": ""})


def test_files_that_are_no_certificate_are_refused(tmp_path: Path) -> None:
    key = written(tmp_path, "no key")
    with pytest.raises(CannotUse, match=r"--tls-certificate .* with --tls-key"):
        tls_context(key, key)
    key.chmod(0o644)
    with pytest.raises(CannotUse, match=r"--tls-key .* is open to other users"):
        tls_context(key, key)
