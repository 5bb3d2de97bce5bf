"""RecordedHistory formats: what is read, what is recognized, and what is refused with its line and rule."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import NEMESIS, History, HistoryError, HistoryWriter, Operation
from history.formats import FORMATS, NAMES, read
from history.formats.edn import forms
from history.values import MARK, in_words


def shapes(history: History) -> list[tuple[int, str, str, str | None, object]]:
    return [(op.process, op.type, op.f, op.key, op.value) for op in history]


LOG = """INFO  jepsen.core - Running test
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 1   :invoke :cas    [0 3]
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 0\t:ok\t:read\t4
INFO  jepsen.util - 1\t:fail\t:cas\t[0 3]
INFO  jepsen.util - 0\t:invoke\t:write\t2
INFO  jepsen.util - :nemesis\t:info\t:start\t"cut"
INFO  jepsen.util - 0\t:info\t:write\t:timed-out
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:fail\t:read\t:timed-out
"""


def test_a_jepsen_log_is_read_and_other_loggers_are_passed_over() -> None:
    foreign = read(None, LOG.replace('\t"cut"', "\tnil"))
    assert shapes(foreign.history) == [
        (0, "invoke", "read", None, None),
        (1, "invoke", "cas", None, [0, 3]),
        (NEMESIS, "invoke", "start", None, None),
        (0, "ok", "read", None, 4),
        (1, "fail", "cas", None, [0, 3]),
        (0, "invoke", "write", None, 2),
        (NEMESIS, "info", "start", None, None),
        (0, "info", "write", None, None),
        (1, "invoke", "read", None, None),
        (1, "fail", "read", None, None),
    ]
    assert foreign.history[7].error == "timed-out"
    assert list(foreign.lines) == list(range(2, 12))


EDN = """; recorded by a test
{:type :invoke, :f :cas, :value [0 1], :process 0, :time 10, :index 0}
{:type :info, :f :start, :value nil, :process :nemesis, :time 11}
{:type :fail, :f :cas, :value [0 1], :process 0, :time 12, :error [:not-leader "n1"]}
#jepsen.history.Op{:type :invoke, :f :read, :value nil, :process 2, :time 13}
"""


def test_jepsen_edn_is_read_bare_or_in_one_vector() -> None:
    bare = read(None, EDN).history
    assert shapes(bare) == [
        (0, "invoke", "cas", None, [0, 1]),
        (NEMESIS, "invoke", "start", None, None),
        (0, "fail", "cas", None, [0, 1]),
        (2, "invoke", "read", None, None),
    ]
    assert [op.time for op in bare] == [10, 11, 12, 13]
    assert bare[2].error == '[:not-leader "n1"]'
    assert list(read(None, f"[{EDN}]", format_="jepsen-edn").history) == list(bare)


def test_independent_keys_are_taken_out_of_the_values() -> None:
    event = "{:process 0, :type :invoke, :f :write, :value [7 3]}\n"
    text = event + event.replace(":invoke", ":ok")
    history = read(None, text, format_="jepsen-edn-independent").history
    assert shapes(history) == [(0, "invoke", "write", "7", 3), (0, "ok", "write", "7", 3)]
    with pytest.raises(HistoryError, match=r"line 1: with independent keys"):
        read(None, text.replace("[7 3]", "3"), format_="jepsen-edn-independent")


def test_our_own_histories_are_read_from_files_folders_and_text(tmp_path: Path) -> None:
    operations = [Operation(0, 5, 0, "invoke", "read"), Operation(1, 6, 0, "ok", "read", value=3)]
    with HistoryWriter(tmp_path / "history.jsonl") as writer:
        for operation in operations:
            writer.append(operation)
    text = (tmp_path / "history.jsonl").read_text()
    for foreign in (read(tmp_path), read(tmp_path / "history.jsonl"), read(None, text)):
        assert list(foreign.history) == operations


BAD_LOG = "INFO  jepsen.util - {}\n"


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        (
            "INFO jepsen.util - 0 :ok :read 1\nINFO jepsen.util - 1 :invoke :read nil\n",
            1,
            "a completion without an invocation",
        ),
        ("\nINFO jepsen.util - 0 :invoke :read nil\n" * 2, 4, "while its last operation is still pending"),
        ("INFO jepsen.util - 0 :invoke :read nil\nINFO jepsen.util - 0 :ok :write 1\n", 2, "f is not its"),
        ("INFO jepsen.util - x :invoke :read nil\n", 1, "neither a number nor"),
        ("INFO jepsen.util - 0 :invoke :write {3}\n", 1, "a map with a key and no value"),
        ("INFO jepsen.util - 0 0 :invoke :write\n", 1, "not an event"),
        ("INFO jepsen.util - nothing to see\n", 1, "the file holds no operation"),
        ("{:process 0, :type :invoke, :f :read, :time 1.5}", 1, "whole nanoseconds"),
        ("{:process 0, :type :begin, :f :read}", 1, "the type is 'begin'"),
        ("{:process 0, :type :invoke}", 1, "without :f"),
        ("{:process [0], :type :invoke, :f :read}", 1, "no number and no name"),
        ("{:process -3, :type :invoke, :f :read}", 1, "not a number from 0"),
        ("{:process 0, :type :invoke, :f 3}", 1, "not a name"),
        ("{:process 0, :type :invoke\n\n, :f [1 2}", 3, "'}' closes '['"),
        ("{:process 0, :type", 1, "never closed"),
        ("{:process 0 :type}", 1, "a key and no value"),
        ('{"index":0,"time":1,"process":0,"type":"invoke","f":"read"}\n{"index":1', 2, "not an operation"),
        ('{"index":0,"time":1,"process":0,"type":"ok","f":"read"}', 1, "a completion without"),
        ("what is this", 1, "the format is not recognized"),
        ("", 1, "the file is empty"),
        (" \n", 1, "the file is empty"),
        ("; nothing\n", 1, "only comments"),
    ],
)
def test_a_history_that_breaks_a_rule_is_refused_with_its_line(text: str, line: int, rule: str) -> None:
    with pytest.raises(HistoryError) as refused:
        read(None, text)
    assert refused.value.line == line
    assert rule in refused.value.rule
    assert str(refused.value).startswith(f"standard input, line {line}: ")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"INFO \xff\xfe")
    with pytest.raises(HistoryError, match="UTF-8"):
        read(tmp_path / "x.log")


def test_a_folder_is_only_ever_ours(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="never in the format jepsen-log"):
        read(tmp_path, format_="jepsen-log")


@given(st.text(alphabet='{}[]()#_:;\\" \nab01-', max_size=40), st.sampled_from(sorted(FORMATS)))
def test_no_text_makes_a_reader_fail_otherwise(text: str, format_: str) -> None:
    with contextlib.suppress(HistoryError):
        read(None, text, format_=format_)


def printed(value: object) -> str:
    match value:
        case None:
            return "nil"
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case list():
            return "[" + " ".join(printed(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{printed(k)} {printed(v)}" for k, v in value.items()) + "}"
        case _:
            return repr(value)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_edn_reads_back_what_was_printed(value: object) -> None:
    ((line, found, _),) = forms(printed(value), "text")
    assert (line, found) == (1, with_marked_names(value))


def with_marked_names(value: object) -> object:
    """As the reader has it: a name that is a text in the file is marked, as only keywords are names."""
    if isinstance(value, dict):
        names = {MARK + in_words(name): with_marked_names(item) for name, item in value.items()}
        return {name: names[name] for name in sorted(names)}
    return [*map(with_marked_names, value)] if isinstance(value, list) else value


def test_edn_knows_clojures_other_forms() -> None:
    text = """
    42N 1.5M 2e3
    \\a \\newline \\u0041 :key sym #{3 1 2 1} (1 2) #inst "2020" ##Inf 1e999 4/6 0x1F 017 +5 -0 ##NaN
    #_ ignored #_ #_ a b "\\u00e9" "\\ud83d\\ude00" #:a{:b 1, 2 3} {:a 1, "a" 2, 3 4} ; end
    """
    values = [value for _, value, _ in forms(text, "text")]
    assert [in_words(value) for value in values] == [
        "42", "1.5M", "2000.0", "\\a", "\\newline", "\\A", ":key", "sym", "#{1 2 3}", "[1 2]", '#inst "2020"',
        "##Inf", "##Inf", "2/3", "31", "15", "5", "0", "##NaN",
        '"é"', '"😀"', "{2 3, a/b 1}", '{3 4, a 1, "a" 2}',
    ]  # fmt: skip


def test_help_names_each_format_that_has_a_reader() -> None:
    assert tuple(FORMATS) == NAMES
