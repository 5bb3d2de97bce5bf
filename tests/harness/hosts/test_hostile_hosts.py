"""Nodes files and files of host keys that an attacker wrote: refused with the line, or read."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from harness.hosts.host import HostError
from harness.hosts.inventory import HostSpec, InventoryError, read_inventory
from history.limits import MOST_NODES
from tests.ackproof.cli.mutations import mutated

NODES = b"user@127.0.0.1:22 key=~/.ssh/lab known_hosts=/tmp/keys\n[::1]:2222 folder=x\n# a comment\nlab-1\n"
KEYS = (
    b"# of the lab\n"
    b"127.0.0.1,lab-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eT7bS6XOoFzTWZ5Y5eHq3yQ3l5w4k4gYh0mTq0d6n\n"
    b"[127.0.0.1]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eT7bS6XOoFzTWZ5Y5eHq3yQ3l5w4k4gYh0mTq0d6n\n"
)


def test_no_nodes_file_ends_in_another_error(tmp_path: Path) -> None:
    path, random = tmp_path / "nodes", Random("nodes files")
    refusals = []
    for _ in range(500):
        path.write_bytes(mutated(NODES, random))
        try:
            assert 1 <= len(read_inventory(path)) <= MOST_NODES
        except InventoryError as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 50
    assert [text for text in refusals if "\n" in text or len(text) > 2000] == []


@pytest.mark.parametrize("line", ["127.0.0.1:" + "9" * 5000, "a" * 100_000, "host\x1b[2J", "h key=\x07"])
def test_a_line_without_bound_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text(f"10.0.0.1\n{line}\n")
    with pytest.raises(InventoryError, match="line 2") as refusal:
        read_inventory(tmp_path / "nodes")
    assert str(refusal.value).isprintable()


def test_there_are_not_more_hosts_than_nodes_of_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text("".join(f"h{number}\n" for number in range(5000)))
    with pytest.raises(InventoryError, match="more than"):
        read_inventory(tmp_path / "nodes")


def test_no_file_of_host_keys_ends_in_another_error(tmp_path: Path) -> None:
    pytest.importorskip("paramiko")
    from harness.hosts.ssh.ssh import _client_of, target_of

    path, random = tmp_path / "keys", Random("host keys")
    refusals = []
    (tmp_path / "config").write_text("")
    target = target_of(HostSpec("n1", "127.0.0.1", known_hosts=str(path), config=str(tmp_path / "config")))
    for _ in range(300):
        path.write_bytes(mutated(KEYS, random))
        try:
            _client_of(target)
        except HostError as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 10
    assert [text for text in refusals if "\n" in text or f"{path}, line" not in text] == []


def test_a_damaged_line_of_the_system_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paramiko")
    from harness.hosts.ssh.ssh import _client_of, target_of

    path = tmp_path / "ssh_known_hosts"
    path.write_text("127.0.0.1 ssh-ed25519 AAA!\n")
    monkeypatch.setattr("harness.hosts.ssh.ssh.SYSTEM_KNOWN_HOSTS", path)
    (tmp_path / "config").write_text("")
    spec = HostSpec("n1", "127.0.0.1", known_hosts=str(tmp_path / "keys"), config=str(tmp_path / "config"))
    with pytest.raises(HostError, match="ssh_known_hosts, line 1: not a host key"):
        _client_of(target_of(spec))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "nodes")
    with pytest.raises(InventoryError, match="not a regular file"):
        read_inventory(tmp_path / "nodes")
