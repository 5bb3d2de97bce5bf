"""Histories of other tools break our recorder's rules: what is harmless is accepted with one warning."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from history import NEMESIS, HistoryError
from history.formats import RecordedHistory, edn, json_events, read, tables
from history.values import in_words

WRITE = "{:type :invoke, :f :write, :value 1, :process 0}\n{:type :ok, :f :write, :value 1, :process 0}\n"
EVENTS = [(0, "invoke", "write", 1), (0, "ok", "write", 1)]


def events(recorded: RecordedHistory) -> list[tuple[int, str, str, object]]:
    return [(op.process, op.type, op.f, op.value) for op in recorded.history]


@pytest.mark.parametrize(
    "text",
    [
        WRITE,
        f"({WRITE})",
        f"[\n\n {WRITE}]",
        "\ufeff" + WRITE,
        WRITE.replace("\n", "\r\n"),
        f"{{:history [{WRITE}]}}",
        f"[{{:history [{WRITE}]}}]",
        f"#a.Test {{:nodes [1 {{:history [2]}}], :history ({WRITE}), :results {{}}}}",
        WRITE.replace("{", "#jepsen.history.Op{"),
        WRITE.replace("{", "#knossos.op.Op {"),
        WRITE.replace(" ", "\n"),
        WRITE.replace(":type :invoke", ':type "invoke"'),
        '[{"type":"invoke","f":"write","value":1,"process":0},\n{"type":"ok","f":"write","value":1,"process":0}]',
        '{"type":"invoke","f":"write","value":1,"process":0}\n{"type":"ok","f":"write","value":1,"process":0}',
        '{"history": [{"type":"invoke","f":"write","value":1,"process":0},'
        '{"type":"ok","f":"write","value":1,"process":0}]}',
        "INFO  jepsen.util - 0\t:invoke\t:write\t1\nINFO  jepsen.util - 0\t:ok\t:write\t1\n",
        "INFO [2018-05-04 10:00:00,733] jepsen worker 0 - jepsen.util 0\t:invoke\t:write\t1\n"
        "INFO [2018-05-04 10:00:00,733] jepsen worker 0 - jepsen.core Worker 0 done\n"
        "INFO [2018-05-04 10:00:00,733] jepsen worker 0 - jepsen.util 0\t:ok\t:write\t1\n",
        "2018-05-04 10:00:00,000{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:invoke\t:write\t1\n"
        "2018-05-04 10:00:00,001{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:ok\t:write\t1\n",
        "2022-07-28 07:53:02,8{GMT}\tINFO\t[jepsen worker 0] jepsen.util: [ 134 ] 0\t:invoke\t:write\t1\n"
        "2022-07-28 07:53:02,9{GMT}\tINFO\t[jepsen worker 0] jepsen.util: [ 135 ] 0\t:ok\t:write\t1\n",
        "0\t:invoke\t:write\t1\n0\t:ok\t:write\t1\n",
        "process,type,f,value\n0,invoke,write,1\n0,ok,write,1\n",
    ],
)
def test_every_layout_is_recognized_and_read_as_the_same_events(text: str, tmp_path: Path) -> None:
    assert events(read(None, text.removeprefix("\ufeff"))) == EVENTS
    (tmp_path / "history").write_text(text, encoding="utf-8")
    recorded = read(tmp_path / "history")
    assert events(recorded) == EVENTS
    assert recorded.warnings == ()


def test_of_a_folder_of_jepsens_the_best_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "jepsen.log").write_text("INFO jepsen.util - 0 :invoke :read nil\n")
    assert len(read(tmp_path).history) == 1
    (tmp_path / "history.edn").write_text(WRITE)
    assert events(read(tmp_path)) == EVENTS


def test_the_order_of_the_file_counts_and_times_may_lag() -> None:
    text = (
        "{:type :invoke, :f :write, :value 1, :process 0, :time 2000, :index 0}\n"
        "{:type :invoke, :f :read, :value nil, :process 1, :time 1990, :index 1}\n"
        "{:type :ok, :f :write, :value 1, :process 0, :time 3000, :index 2}\n"
        "{:type :ok, :f :read, :value 1, :process 1, :index 3}\n"
    )
    recorded = read(None, text)
    assert [op.time for op in recorded.history] == [2000, 2000, 3000, 3000]
    assert recorded.warnings == (
        "line 4: an event without a time, where others have one; its place counts",
        "line 2: the time is before that of an earlier line; the file's order counts",
    )


def test_an_index_that_contradicts_the_order_is_refused() -> None:
    text = WRITE.replace("0}\n{", "0, :index 5}\n{").replace("0}\n", "0, :index 4}\n", 2)
    with pytest.raises(HistoryError, match="line 2: :index is 4, after 5"):
        read(None, text)


def test_faults_need_no_pairs_and_may_overlap() -> None:
    text = "".join(f"{{:type :info, :f :{f}, :process :nemesis}}\n" for f in ("kill", "cut", "kill", "heal"))
    recorded = read(None, text + WRITE + "{:type :info, :process :nemesis}\n")
    assert [(op.type, op.f) for op in recorded.history if op.process == NEMESIS] == [
        ("invoke", "kill"),
        ("invoke", "cut"),
        ("info", "kill"),
        ("invoke", "heal"),
        ("invoke", "fault"),
    ]
    assert recorded.history.pairs.tolist() == [2, -1, 0, -1, 5, 4, -1]
    assert recorded.warnings == ()


def test_a_process_that_goes_on_after_info_is_named_in_a_warning() -> None:
    text = (
        "{:type :invoke, :f :add, :value 10, :process 1}\n{:type :info, :f :add, :value 10, :process 1}\n" * 3
    )
    recorded = read(None, text)
    (warning,) = recorded.warnings
    assert warning.startswith("line 3 (and 1 more): a process went on after `info`")


def test_what_failed_without_an_invocation_is_left_out_and_what_is_ok_is_refused() -> None:
    lone = "{:type :fail, :f :write, :value 3, :process 7}\n"
    recorded = read(None, lone + WRITE)
    assert events(recorded) == EVENTS
    assert list(recorded.lines) == [2, 3]
    assert recorded.warnings == (
        "line 1: a failed operation without its invocation was left out: it did not happen",
    )
    with pytest.raises(HistoryError, match="line 1: a completion without an invocation"):
        read(None, lone.replace(":fail", ":ok") + WRITE)


def test_a_file_without_any_invocation_claims_no_real_time() -> None:
    text = "".join(f"{{:type :ok, :f :write, :value {n}, :process {n % 2}, :time {n}}}\n" for n in range(4))
    recorded = read(None, text)
    assert [(op.process, op.type, op.value) for op in recorded.history] == [
        (0, "invoke", 0), (1, "invoke", 1), (0, "ok", 0), (0, "invoke", 2), (1, "ok", 1), (1, "invoke", 3),
        (0, "ok", 2), (1, "ok", 3),
    ]  # fmt: skip
    assert recorded.warnings == (
        "line 1: the file has no invocations; each operation may have begun when its process was free",
    )


def test_events_may_be_vectors_as_knossos_once_wrote_them() -> None:
    recorded = read(None, "[0  :invoke :write 1]\n[0\t:ok\t:write\t1]\n[:nemesis :info :start nil]\n")
    assert events(recorded)[:2] == EVENTS


def test_transactions_need_no_f() -> None:
    begun = "{:type :invoke, :value [[:append :x 1]], :process 0}\n"
    text = begun + begun.replace(":invoke", ":ok")
    recorded = read(None, text)
    assert [op.f for op in recorded.history] == ["txn", "txn"]
    assert in_words(recorded.history[0].value) == '[["append" :x 1]]'
    assert len(recorded.warnings) == 1
    with pytest.raises(HistoryError, match="line 1: an event without :f, whose value is no list of steps"):
        read(None, text.replace("[[:append :x 1]]", "3"))


def test_a_completion_may_leave_out_its_f_and_its_key() -> None:
    text = '{"type":"invoke","f":"read","key":"x","process":0}\n{"type":"ok","process":0,"value":2}'
    (_, ok) = read(None, text).history
    assert (ok.f, ok.key, ok.value) == ("read", "x", 2)


def test_events_without_any_process_are_read_if_nothing_overlaps() -> None:
    text = WRITE.replace(", :process 0", "")
    recorded = read(None, text)
    assert events(recorded) == EVENTS
    assert "no event names a process" in recorded.warnings[0]
    overlapping = "{:type :invoke, :f :read}\n" + text
    with pytest.raises(HistoryError, match="line 2: events have no process, and operations overlap"):
        read(None, overlapping)
    with pytest.raises(HistoryError, match="line 3: an event without a process, where others have one"):
        read(None, WRITE + "{:type :invoke, :f :read}\n")


def test_clients_may_have_names() -> None:
    text = (
        WRITE.replace(":process 0", ':process "client-a"')
        + WRITE
        + "{:type :info, :process :clock, :f :bump}"
    )
    assert [op.process for op in read(None, text).history] == [1, 1, 0, 0, NEMESIS]


KEYED = """{:type :invoke, :f :write, :value [0 1], :process 0}
{:type :ok, :f :write, :value [0 1], :process 0}
{:type :invoke, :f :write, :value ["0" 7], :process 0}
{:type :ok, :f :write, :value ["0" 7], :process 0}
{:type :invoke, :f :read, :value [:k nil], :process 1}
{:type :ok, :f :read, :value [:k nil], :process 1}
"""


def test_values_that_are_key_and_value_are_recognized_and_their_keys_stay_apart() -> None:
    recorded = read(None, KEYED)
    assert [(op.key, op.value) for op in recorded.history][::2] == [
        ("0", 1),
        ('\ue000"0"', 7),
        ("\ue000:k", None),
    ]
    assert recorded.other is not None
    assert recorded.other.option == "--format jepsen-edn"
    assert [op.key for op in recorded.other.read().history] == [None] * 6
    assert read(None, KEYED, format_="jepsen-edn").other is None


def test_values_that_are_lists_of_two_but_ask_for_nothing_are_values() -> None:
    recorded = read(None, "\n".join(KEYED.split("\n")[:4]))
    assert [op.key for op in recorded.history] == [None] * 4
    assert recorded.other is not None
    assert recorded.other.option == "--format jepsen-edn-independent"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "line 1: the file is empty"),
        (
            gzip.compress(WRITE.encode(), mtime=0),
            "line 1: the file is compressed with gzip: decompress it first",
        ),
        (b"JEPSEN\x00\x00\x00\x01", "line 1: the file is a binary file of Jepsen's"),
        (("\ufeff" + WRITE).encode("utf-16-le"), "line 1: the file is text in UTF-16: save it as UTF-8"),
        (WRITE.encode() + b"\n{:x \xff}", "line 4: not text in UTF-8"),
        (b"{:x " * 100_000, "line 1: nesting too deep: more than 200 levels"),
        (b'[{"type":"invoke","value":' + b"[" * 100_000, "line 1: nesting too deep"),
        (b'{"type":"invoke","f":"write","process":0,"value":' + b"[" * 300 + b"]" * 300 + b"}", "too deep"),
        (b"{:type :invoke, :f :write, :process 0, :value " + b"1" * 5_000 + b"}", "a number of 5000 digits"),
        (b'{"type":"invoke","f":"write","process":0,"value":' + b"1" * 5_000 + b"}", "line 1"),
        (b"{:type :invoke, :f :write, :process 18446744073709551616}", "not a number from 0 to 2^62"),
        (b'{"type":"invoke","f":"write","process":18446744073709551616}', "not a number from 0 to 2^62"),
        (b'{"type":"invoke","f":"w","process":0}\n{"type":"ok","f":"w","process":0,', "line 2: not an event"),
        (b'[{"type":"invoke","f":"w","process":0},\n{"type":3}]', 'line 2: "type" is 3, not a name'),
        (b'[{"type":"invoke","f":"w","process":0},\n{"type":}]', "line 2: not an event"),
        (b"{:type :invoke, :f :write, :process 0, :value \\ud800}", "half a character"),
        (b"{:type :invoke, :f :write, :process 0, :value 09}", "line 1: not a number: '09'"),
        (b"PAR1 and nothing more", "line 1: not a Parquet file"),
        (b"process,type,f\n0,invoke,w,3\n", "line 2: 4 cells, where the first line names 3 columns"),
        (b"process,type,f,value\n0,invoke,w,1\n0,ok,w," + b"1" * 5_000, "line 3: a number of more than 4000"),
    ],
)
def test_bad_input_is_refused_with_its_line_and_rule(content: bytes, rule: str, tmp_path: Path) -> None:
    (tmp_path / "history").write_bytes(content)
    with pytest.raises(HistoryError) as refused:
        read(tmp_path / "history")
    assert rule in str(refused.value)
    assert len(refused.value.rule) < 200


EVENT = '{"type":"invoke","f":"w","process":0,"value":[1,2]}'


@pytest.mark.parametrize(
    ("before", "between", "after"), [("[", ",", "]"), ('{"history":[', ",\n", "]}"), ("", "\n", "")]
)
def test_large_json_of_what_is_no_event_is_refused_before_it_is_kept(
    before: str, between: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_events, "MOST_SHORT_OBJECTS", 50)
    events = json_events.read_json(before + between.join(60 * [EVENT]) + after, "log.json")
    assert len(events.type) == 60
    with pytest.raises(
        HistoryError, match=r"line 1: 6[01] objects in [0-9,]+ characters: an event has a type"
    ):
        json_events.read_json(before + between.join(60 * ['{"type":"ok"}']) + after, "log.json")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"[{EVENT},\n{{}}]", "line 2: not an event: Object missing required field `type`"),
        (f'{EVENT}\n{{"f": "w"}}', "line 2: not an event: Object missing required field `type`"),
        ('[{"type":[1,2]}]', "line 1: not an event: Expected"),
        ('[{"type":"ok","process":{"a":1}}]', "line 1: not an event: Expected"),
        (
            f'[{EVENT},\n{{"type":"ok","f":"w","process":0,"value":[{30 * "1,"}1]}}]',
            "line 2: an event of more",
        ),
        (
            f'[{EVENT},\n{{"type":"ok","f":"w","process":0,"error":[{30 * "1,"}1]}}]',
            "line 2: an event of more",
        ),
    ],
)
def test_what_an_event_of_json_may_hold_has_a_bound(
    text: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_events, "MOST_TOKENS_OF_AN_EVENT", 20)
    with pytest.raises(HistoryError) as refused:
        json_events.read_json(text, "log.json")
    assert rule in str(refused.value)


def test_a_line_of_a_table_has_a_bound_and_their_number_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_LINE_BYTES", 30)
    rows = "process,type,f,value\n" + 40 * "0,invoke,w,1\n"
    assert len(tables.read_csv(rows, "log.csv", {}).type) == 40
    with pytest.raises(HistoryError, match="line 42: a line of more than 30 characters"):
        tables.read_csv(f"{rows}0,invoke,w,{20 * 'x'}", "log.csv", {})


def test_rows_of_json_that_are_no_events_are_refused_before_they_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_events, "MOST_SHORT_OBJECTS", 50)
    columns = {"process": "worker"}
    row = '{"worker":1,"type":"invoke","f":"w"}'
    for before, between, after in (("[", ",", "]"), ("", "\n", "")):
        assert len(tables.read_json_rows(before + between.join(60 * [row]) + after, "l", columns).type) == 60
        with pytest.raises(HistoryError, match="60 objects in"):
            tables.read_json_rows(before + between.join(60 * ['{"worker":1}']) + after, "l", columns)


def test_one_event_of_edn_has_a_bound_and_their_number_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edn, "MOST_TOKENS_OF_AN_EVENT", 100)
    event = "{:process 0, :type :invoke, :f :write, :value [" + 60 * "1 " + "]}\n"
    for whole in ("[" + 50 * event + "]", "{:name 1, :history (" + 50 * event + "), :results [2]}"):
        assert len(list(edn.records(whole, "log.edn"))) == 50
    with pytest.raises(HistoryError, match="line 2: an event of more than 100 numbers, texts and brackets"):
        list(edn.records(event + "{:a [" + 100 * "1 " + "]}", "log.edn"))


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("#_ {:history [1 2]} 3", [3]),
        ("{:history [1 {:history [2]}]}", [1, {"history": [2]}]),
        ("{:a {:history [1]}}", [{"a": {"history": [1]}}]),
        ("#:a{:history [1]}", [{"a/history": [1]}]),
        ("[[{:history [1]}] {:history []}]", [[{"history": [1]}]]),
    ],
)
def test_only_the_history_of_a_map_at_the_top_is_spread(text: str, forms: list[object]) -> None:
    assert [form for _, form, _ in edn.records(text, "log.edn")] == forms


@pytest.mark.parametrize("text", ["{:history [1]", "{:history [1] :a}", "{:history [1)}", "{:history [1]]"])
def test_a_map_whose_history_was_spread_must_be_whole(text: str) -> None:
    with pytest.raises(HistoryError, match="line 1"):
        list(edn.records(text, "log.edn"))


def test_a_pipe_is_read_although_it_can_be_read_only_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(WRITE,))
    writer.start()
    recorded = read(pipe)
    writer.join()
    assert events(recorded) == EVENTS
