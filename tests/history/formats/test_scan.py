"""The compiled reader of large files gives exactly what the plain one gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history import HistoryError
from history.formats import events as edn_events
from history.formats import jepsen_log
from history.formats.builder import Events
from history.formats.scan.columns import WORTH_COMPILED_CODE_BYTES, scanned_edn, scanned_log
from history.kernels import can_compile
from tests import REPOSITORY

pytestmark = pytest.mark.skipif(not can_compile(), reason="there is no numba for this Python")
CORPUS = REPOSITORY / "tests" / "corpora" / "porcupine"


def rows(events: Events | None) -> list[tuple[object, ...]]:
    """The events with their texts."""
    assert events is not None
    texts = [
        [*names, None]
        for names in (events.process_names, events.f_names, events.keys, events.values, events.errors)
    ]
    names, fs, keys, values, errors = texts
    return [
        (
            line,
            time,
            names[-3 - process] if process <= -3 else process,
            type_,
            fs[f],
            keys[k],
            values[v],
            errors[e],
        )
        for line, time, process, type_, f, k, v, e in zip(
            events.line.tolist(),
            events.time.tolist(),
            events.process.tolist(),
            events.type.tolist(),
            events.f.tolist(),
            events.key.tolist(),
            events.value.tolist(),
            events.error.tolist(),
            strict=True,
        )
    ]


SCALARS = st.sampled_from(
    [
        "nil", "true", "false", "0", "-0", "+7", "-12", "123456789012345678", "1234567890123456789", "1.5",
        "1N", "2M",
        ":a", ":r", ":append", ":writes", ":a/b", ":é", '"a"', '"a b, c"', '"é"', '"\\n"', '"\ue000x"',
        '""', "\\a",         "##Inf", "sym", "#{1 2}", "{:a 1}", '#inst "2020"',
        "1/2", "[]", "()", "#_ x 3", "nill", "truth",
    ]
)  # fmt: skip
BLANKS = st.sampled_from([" ", ", ", "\n", "\t", " ; note ] }\n", "  "])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " ".join(items) + "]")
        | st.lists(inner, max_size=3).map(lambda items: "(" + ", ".join(items) + ")")
    ),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {
        ":type": st.sampled_from([":invoke", ":ok", ":fail", ":info", '"ok"']),
        ":f": st.sampled_from([":read", ":txn", '"write"', ":a-b"]),
        ":process": st.sampled_from(["0", "3", "17", ":nemesis", '"c1"', ":other"]),
    },
    optional={
        ":value": VALUES,
        ":key": st.sampled_from(['"x"', '"7"', "7", ":k", '"é"', "nil", '""']),
        ":time": st.sampled_from(["5", "0", "nil", "12345678901"]),
        ":error": st.sampled_from([":late", '"why"', '[:no "n1"]', "nil", "{:a 1}"]),
        ":node": VALUES,
    },
)


@st.composite
def files(draw: st.DrawFn) -> str:
    texts = []
    for fields in draw(st.lists(FIELDS, min_size=1, max_size=6)):
        order = draw(st.permutations(list(fields.items())))
        inner = "".join(f"{name}{draw(BLANKS)}{value}{draw(BLANKS)}" for name, value in order)
        texts.append(draw(st.sampled_from(["", "#jepsen.history.Op", "#op.Op "])) + "{" + inner + "}")
    whole = draw(BLANKS).join(texts)
    return (
        draw(st.sampled_from(["{}", "[{}]", "({})", "\n[ {}\n]\n"])).format(whole)
        if "{}" not in whole
        else whole
    )


def plainly(text: str) -> list[tuple[object, ...]] | None:
    try:
        return rows(edn_events.read_edn(text, "text"))
    except HistoryError:
        return None


@settings(deadline=None, max_examples=300)
@given(files())
def test_edn_is_read_as_the_plain_reader_reads_it(text: str) -> None:
    edn_is_read_alike(text)


@pytest.mark.thorough
@settings(deadline=None, max_examples=20_000)
@given(files())
def test_much_more_edn_is_read_as_the_plain_reader_reads_it(text: str) -> None:
    edn_is_read_alike(text)


def edn_is_read_alike(text: str) -> None:
    expected = plainly(text)
    found = scanned_edn(text, "text", edn_events._read_one)
    if expected is None:
        assert found is None
    elif found is not None:
        assert rows(found) == expected


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet='{}[]()#_:;\\" \n,ab01-typeinvokf', max_size=60))
def test_no_text_is_read_that_the_plain_reader_refuses(text: str) -> None:
    expected = plainly(text)
    found = scanned_edn(text, "text", edn_events._read_one)
    assert found is None or rows(found) == expected


LINES = st.tuples(
    st.sampled_from(["INFO jepsen.util - ", "INFO x jepsen.util ", "a\tjepsen.util: ", "INFO other - ", ""]),
    st.sampled_from(["0", "12", ":nemesis", ":other"]),
    st.sampled_from([":invoke", ":ok", ":fail", ":info"]),
    st.sampled_from([":read", ":cas", ":txn"]),
    VALUES.filter(lambda text: "\n" not in text),
    st.sampled_from(["", "\t:late", " [:no {a b}]", "  some words", " "]),
).map(lambda parts: "{}{}\t{}\t{}\t{}{}".format(*parts))


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, min_size=1, max_size=6))
def test_logs_are_read_as_the_plain_reader_reads_them(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    is_log = jepsen_log.LOGGER in text
    try:
        expected = rows(jepsen_log.read_log(text, "text"))
    except HistoryError:
        expected = None
    reader = jepsen_log._read_logged if is_log else jepsen_log._read_plain
    found = scanned_log(text, jepsen_log.LOGGER if is_log else "", "text", reader)
    assert found is None or rows(found) == expected


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*.*")), ids=lambda path: path.name)
def test_recorded_files_are_read_alike(path: Path) -> None:
    text = path.read_text()
    if path.suffix == ".log":
        found = scanned_log(text, jepsen_log.LOGGER, "text", jepsen_log._read_logged)
        assert rows(found) == rows(jepsen_log.read_log(text, "text"))
    elif path.suffix == ".txt":
        found = scanned_edn(text, "text", edn_events._read_one)
        assert rows(found) == rows(edn_events.read_edn(text, "text"))


def test_a_large_file_is_read_by_the_compiled_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    event = "{:type :invoke, :f :write, :value 1, :process 0}\n{:type :ok, :f :write, :value 1, :process 0}\n"
    text = event * (WORTH_COMPILED_CODE_BYTES // len(event) + 1)
    monkeypatch.setattr(edn_events, "records", None)
    assert len(edn_events.read_edn(text, "text")) == text.count("\n")


def test_more_events_than_there_is_room_for_are_left_to_the_plain_reader() -> None:
    assert scanned_edn(1_000 * "{}", "text", edn_events._read_one) is None
    assert scanned_edn(1_000 * "{", "text", edn_events._read_one) is None
    assert scanned_log(1_000 * "\n", "", "text", jepsen_log._read_plain) is None
