"""Files that an attacker prepared are refused with one line; what is written stays in its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from history import HistoryError, read_history
from history.files import (
    RefusedFile,
    brief,
    decode_json,
    is_regular,
    is_too_deep,
    names_in,
    open_regular,
    read_regular,
    replace_file,
)
from history.limits import LONGEST_LINE_BYTES, MOST_DEPTH


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that is not trusted; `secret` lies outside."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "root"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("content")
    return folder


def test_a_regular_file_is_read(root: Path) -> None:
    path = root / "inner" / "file"
    assert read_regular(path, root=root) == b"content"
    assert is_regular(path, root)
    assert names_in(root / "inner", root) == ["file"]


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "loop", "socket name"])
def test_anything_else_is_refused_without_waiting(kind: str, root: Path) -> None:
    path = root / "inner" / "other"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(root.parent / "secret")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to("other")
        case _:
            path = root / "inner" / "a\x00b"
    with pytest.raises(RefusedFile):
        open_regular(path, root=root)


def test_a_link_that_the_user_names_is_followed(root: Path) -> None:
    (root / "named").symlink_to(root.parent / "secret")
    assert read_regular(root / "named") == b"secret"


@pytest.mark.parametrize("way", ["../secret", "inner/../../secret", "linked/secret"])
def test_no_path_leads_out(way: str, root: Path) -> None:
    (root / "linked").symlink_to(root.parent)
    assert not is_regular(root / way, root)
    with pytest.raises(RefusedFile):
        read_regular(root / way, root=root)
    with pytest.raises(RefusedFile):
        replace_file(root / way, b"changed", root=root)
    assert (root.parent / "secret").read_text() == "secret"


def test_writing_replaces_a_link_and_not_its_target(root: Path) -> None:
    for name in ("page", "page.unfinished"):
        (root / name).symlink_to(root.parent / "secret")
    replace_file(root / "page", b"new", root=root, is_synced=True)
    assert (root / "page").read_bytes() == b"new"
    assert not (root / "page").is_symlink()
    assert not (root / "page.unfinished").is_symlink()
    assert (root.parent / "secret").read_text() == "secret"


def test_a_larger_file_than_allowed_is_refused(root: Path) -> None:
    with pytest.raises(RefusedFile, match="larger than 3 bytes"):
        read_regular(root / "inner" / "file", root=root, most_bytes=3)


@pytest.mark.parametrize(
    ("data", "deep"),
    [
        (b"[" * MOST_DEPTH + b"]" * MOST_DEPTH, False),
        (b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1), True),
        (b"[" + b"[]," * 5000 + b"[]]", False),
        (b'"' + b"[" * 5000 + b'"', False),
        (b'["\\"' + b"[" * 5000 + b'"]', False),
        (b'{"a":' * 200 + b"1" + b"}" * 200, True),
    ],
)
def test_depth_counts_brackets_outside_texts(data: bytes, deep: bool) -> None:
    assert is_too_deep(data) is deep


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 99_999, b"\xff", b'{"a":1}', b"1" * 5000])
def test_json_of_another_form_is_refused_in_one_short_line(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(RefusedFile) as refusal:
        decode_json(data, list[int], where=tmp_path / "x.json")
    assert len(str(refusal.value).splitlines()) == 1
    assert "x.json" in str(refusal.value)


def test_what_an_error_quotes_is_short_and_without_controls() -> None:
    shown = brief("\x1b[2J\n" + "y" * 10_000)
    assert shown.isprintable()
    assert len(shown) < 1000


LINE = b'{"index":%d,"time":0,"process":0,"type":"invoke","f":"read","value":%s}\n'


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (LINE % (0, b"[" * 5000 + b"]" * 5000), "line 1: not an operation: nested deeper"),
        (LINE % (0, b"1") + LINE % (10**30, b"1"), "line 2: index is"),
        (
            b'{"index":0,"time":99999999999999999999,"process":0,"type":"invoke","f":"x"}\n',
            "more than 64 bits",
        ),
        (LINE % (0, b"1") + b"x" * (LONGEST_LINE_BYTES + 9), "line 2: longer than"),
        (b"\xff\n", "line 1"),
    ],
)
def test_a_hostile_history_is_refused_with_its_line(content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(content)
    with pytest.raises(HistoryError, match=what):
        read_history(tmp_path)


def test_a_hostile_parquet_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1"):
        (tmp_path / "history.parquet").write_bytes(content)
        with pytest.raises(HistoryError, match="not a Parquet file"):
            read_history(tmp_path)
