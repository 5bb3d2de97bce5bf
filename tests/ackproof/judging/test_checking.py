"""Small histories that were judged wrongly, refused, or made `check` crash; and what it must say of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import ackproof
from ackproof.cli.commands.judging.check import check
from ackproof.judging.checking import Question, judge
from checkers.judges import names_of_all
from checkers.models import MODELS
from checkers.models.initial import has_initial
from checkers.verdict import Validity, Verdict
from history.formats import read


def judged(text: str, model: str, *, format_: str | None = None, **options: str) -> Verdict:
    question = Question(model, options=options)
    question.refuse_if_wrong()
    return judge(read(None, text, format_=format_), question)


def edn(*events: str) -> str:
    """Events as `0 invoke write 1`, one a line."""
    fields = (event.split(" ", 3) for event in events)
    return "".join(f"{{:type :{t}, :f :{f}, :value {value}, :process {p}}}\n" for p, t, f, value in fields)


def call(process: int, f: str, value: str, reply: str | None = None) -> tuple[str, str]:
    return f"{process} invoke {f} {value}", f"{process} ok {f} {value if reply is None else reply}"


VALUES = [
    "1", "true", '"1"', ":1x", ":a", '"a"', "\\a", "a", "1.0", "1.0M", "1/2", "##Inf", "##-Inf", "##NaN",
    "[1 2]", "#{1 2}", "{:a 1}", '{"a" 1}', "[[:a 1]]", '#inst "2020"', '#uuid "2020"', "[]", "#{}", '"#{"',
    "[true]", "12345678901234567890123", "[1]", "[1.0]", "nil", "[:a]", "[##Inf 1]",
]  # fmt: skip


@pytest.mark.parametrize("written", VALUES)
def test_a_register_holds_what_was_written_and_nothing_else(written: str) -> None:
    for read_ in VALUES:
        text = edn(*call(0, "write", written), *call(1, "read", "nil", read_))
        expected = "valid" if written == read_ else "invalid"
        verdict = judged(text, "register", format_="jepsen-edn")
        assert verdict.validity == expected, (written, read_, verdict)


@pytest.mark.parametrize("model", sorted({"register", "cas-register", "multi-register", "set", "queue"}))
@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("1", "1.0"), ("0", "0.0"), (":x", '"x"')])
def test_in_every_model_values_of_two_types_are_two_values(model: str, one: str, other: str) -> None:
    calls = {
        "multi-register": ("txn", "[[:w 7 {}]]", "txn", "[[:r 7 nil]]", "[[:r 7 {}]]"),
        "set": ("add", "{}", "read", "nil", "[{}]"),
        "queue": ("enqueue", "{}", "dequeue", "nil", "{}"),
    }.get(model, ("write", "{}", "read", "nil", "{}"))
    put, argument, get, nothing, reply = calls
    for shown, expected in ((one, "valid"), (other, "invalid")):
        text = edn(*call(0, put, argument.format(one)), *call(1, get, nothing, reply.format(shown)))
        assert judged(text, model).validity == expected
    if model == "set":
        both = edn(
            *call(0, "add", one), *call(0, "add", other), *call(1, "read", "nil", f"#{{{one} {other}}}")
        )
        assert judged(both, model).validity == "valid"


def test_equal_values_are_equal_however_they_were_written() -> None:
    for one, other in [
        ("(1 2)", "[1 2]"),
        ("#{1 2}", "#{2 1}"),
        ("1N", "1"),
        ("{:a 1, :b 2}", "{:b 2 :a 1}"),
    ]:
        text = edn(*call(0, "write", one), *call(1, "read", "nil", other))
        assert judged(text, "register", format_="jepsen-edn").validity == "valid"


def test_evidence_shows_values_as_the_file_wrote_them() -> None:
    text = edn(*call(0, "write", ":a"), *call(1, "read", "nil", '"a"'))
    evidence = judged(text, "register").evidence[0]
    assert 'read -> "a"' in evidence.title
    text = edn(*call(0, "write", "#{:a 1}"), *call(1, "write", "true"), *call(1, "read", "nil", "#{:a 1}"))
    assert "read -> #{1 :a}" in judged(text, "register").evidence[0].title


def test_a_process_may_go_on_after_info() -> None:
    text = edn(
        "1 invoke add 10",
        "1 info add 10",
        "1 invoke add 11",
        "1 info add 11",
        "4 invoke read nil",
        "4 ok read #{10}",
    )
    verdict = judged(text, "set")
    assert verdict.validity == "valid"
    assert any("a process went on after `info`" in caveat for caveat in verdict.caveats)


def test_the_steps_of_knossos_multi_register_have_long_names() -> None:
    text = edn(*call(0, "txn", "[[:write :x 1]]"), *call(1, "txn", "[[:read :x nil]]", "[[:read :x 1]]"))
    assert judged(text, "multi-register").validity == "valid"
    assert judged(text.replace("[:read :x 1]", "[:read :x 2]"), "multi-register").validity == "invalid"


READ_0 = edn(*call(0, "read", "nil", "0"))
INITIAL = {
    "register": (READ_0, "0"),
    "cas-register": (edn(*call(0, "cas", "[:a :b]")), ":a"),
    "multi-register": (edn(*call(0, "txn", "[[:r :x nil] [:r :y nil]]", "[[:r :x 0] [:r :y 0]]")), "0"),
    "kv-append": (edn(*call(0, "append", '"c"'), *call(0, "get", "nil", '"abc"')), '"ab"'),
    "counter": (edn(*call(0, "add", "2"), *call(0, "read", "nil", "7")), "5"),
    "mutex": (edn(*call(0, "release", "nil")), "true"),
}  # fmt: skip


@pytest.mark.parametrize("model", INITIAL)
def test_where_another_initial_value_explains_all_the_verdict_is_unknown_and_names_the_option(
    model: str,
) -> None:
    text, initial = INITIAL[model]
    verdict = judged(text, model)
    assert verdict.validity == "unknown"
    assert f"--option initial={initial} " in verdict.summary
    assert judged(text, model, initial=initial).validity == "valid"
    stated = verdict.summary.split("--option initial=")[2].rstrip(".")
    assert judged(text, model, initial=stated).validity == "invalid"


def test_where_no_initial_value_explains_all_the_verdict_is_invalid() -> None:
    for reads in [("1", "2"), ("1", "nil")]:
        text = edn(*(event for value in reads for event in call(0, "read", "nil", value)))
        assert judged(text, "register").validity == "invalid"
        assert judged(text, "register", initial="1").validity == "invalid"
    text = edn(*call(0, "write", "1"), *call(0, "read", "nil", "0"))
    assert judged(text, "cas-register").validity == "invalid"
    assert judged(edn(*call(0, "dequeue", "nil", "7")), "queue").validity == "invalid"
    assert judged(edn(*call(0, "read", "nil", "[7]")), "set").validity == "invalid"


def test_one_initial_value_must_explain_every_key() -> None:
    text = "".join(
        f'{{"type":"{type_}","f":"read","process":{key},"key":"k{key}","value":{value}}}\n'
        for key in (0, 1)
        for type_, value in (("invoke", "null"), ("ok", key))
    )
    assert judged(text, "register").validity == "invalid"
    assert (
        judged(
            text.replace(
                '"ok","f":"read","process":1,"key":"k1","value":1',
                '"ok","f":"read","process":1,"key":"k1","value":0',
            ),
            "register",
        ).validity
        == "unknown"
    )


def test_registers_that_are_used_together_may_each_begin_otherwise() -> None:
    text = edn(*call(0, "txn", '[[:r :x nil] [:r "y" nil]]', '[[:r :x 3] [:r "y" 4]]'))
    verdict = judged(text, "multi-register")
    assert verdict.validity == "unknown"
    initial = verdict.summary.split("--option initial='")[1].split("'")[0]
    assert initial == '{:x 3, "y" 4}'
    assert judged(text, "multi-register", initial=initial).validity == "valid"


def test_containers_and_registers_may_begin_with_what_an_option_says() -> None:
    assert judged(edn(*call(0, "dequeue", "nil", "7")), "queue", initial="[7, 8]").validity == "valid"
    assert judged(edn(*call(0, "read", "nil", "[7]")), "set", initial="[7]").validity == "valid"
    text = edn(*call(0, "txn", "[[:r :x nil] [:r :y nil]]", "[[:r :x 0] [:r :y nil]]"))
    assert judged(text, "multi-register", initial='{"x": 0}').validity == "valid"
    assert judged(text, "multi-register", initial="0").validity == "invalid"


@pytest.mark.parametrize("model", sorted(MODELS))
def test_an_initial_value_that_is_none_of_the_data_type_is_refused(model: str) -> None:
    for text in ("{", "1 2", "\\"):
        with pytest.raises(ValueError, match=r"initial|no option"):
            judged("", model, initial=text)
    if not has_initial(MODELS[model]):
        with pytest.raises(ValueError, match="it has none"):
            judged("", model, initial="0")


PAIRS = edn(*call(0, "write", "[0 1]"), *call(0, "write", "[1 7]"), *call(1, "read", "[0 nil]", "[0 1]"))


def test_values_that_are_key_and_value_are_judged_by_key() -> None:
    verdict = judged(PAIRS, "register")
    assert verdict.validity == "valid"
    assert any(
        "taken as [key value]" in caveat and "--format jepsen-edn" in caveat for caveat in verdict.caveats
    )
    assert judged(PAIRS, "register", format_="jepsen-edn").validity == "invalid"
    wrong = PAIRS.replace("0 ok write [0 1]", "").replace(
        ":value [0 1], :process 1", ":value [0 7], :process 1"
    )
    assert judged(wrong, "register", format_="jepsen-edn-independent").validity == "invalid"
    assert judged(wrong, "register").validity == "invalid"


def test_where_the_other_reading_of_the_values_explains_all_the_verdict_is_unknown() -> None:
    text = edn(*call(0, "write", "[:x 1]"), *call(0, "write", "[:y 2]"), *call(1, "read", "[:x 1]", "[:x 1]"))
    verdict = judged(text, "register")
    assert verdict.validity == "unknown"
    assert "--format jepsen-edn-independent or --format jepsen-edn." in verdict.summary
    assert judged(text, "register", format_="jepsen-edn").validity == "invalid"


@pytest.mark.parametrize("model", names_of_all())
def test_hostile_text_reaches_no_terminal(model: str, tmp_path: Path) -> None:
    hostile = "\\u001b]0;owned\\u0007\\u001b[2K"
    path = tmp_path / "\x1b[31mhistory.json"
    path.write_text(
        f'{{"type":"invoke","f":"{hostile}","process":0,"key":"{hostile}","value":"{hostile}"}}\n'
        f'{{"type":"ok","f":"{hostile}","process":0,"key":"{hostile}","value":"{hostile}"}}\n'
    )
    result = CliRunner().invoke(check, [str(path), "--model", model])
    assert result.exit_code in (0, 1, 2, 255), result.exception
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_a_key_is_shown_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    event = '{"type":"%s","f":"read","process":0,"key":"\\u001b[2K","value":%s}\n'
    path.write_text(
        event % ("invoke", "null") + event % ("ok", "1") + event % ("invoke", "null") + event % ("ok", "2")
    )
    result = CliRunner().invoke(check, [str(path), "--model", "register"])
    assert result.exit_code == 1
    assert "\\x1b[2K" in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("folder", ["file", "file/x"])
def test_pictures_that_cannot_be_written_do_not_hide_the_verdict(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "history.edn").write_text(edn(*call(0, "write", "1")))
    arguments = [
        str(tmp_path / "history.edn"),
        "--model",
        "register",
        "--pictures",
        str(tmp_path / folder),
    ]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 0
    assert "VALID" in result.stdout
    assert result.stderr.startswith("ackproof: no pictures, since they cannot be written to ")
    assert len(result.stderr.splitlines()) == 1


def test_columns_of_a_table_are_named_on_the_command_line(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_text("worker,op,from,to,arg,got\na,write,0,10,1,\nb,read,5,20,,1\nb,read,20,30,,\n")
    columns = "process=worker,f=op,start=from,end=to,value=arg,result=got"
    result = CliRunner().invoke(check, [str(table), "--model", "register", "--columns", columns])
    assert result.exit_code == 1, result.output
    assert "read, answered" not in result.output
    table.write_text(table.read_text().replace("20,30,,", "20,30,,1"))
    assert CliRunner().invoke(check, [str(table), "--model", "register", "--columns", columns]).exit_code == 0
    result = CliRunner().invoke(check, [str(table), "--model", "register", "--columns", "process=who"])
    assert "no column 'who' for process" in result.output
    result = CliRunner().invoke(check, [str(table), "--model", "register", "--columns", "who=process"])
    assert result.exit_code == 2
    assert "is not FIELD=COLUMN" in result.output


def test_columns_of_a_table_are_named_in_python(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_text("worker,op,from,to,arg,got\na,write,0,10,1,\nb,read,20,30,,2\n")
    columns = {"process": "worker", "f": "op", "start": "from", "end": "to", "value": "arg", "result": "got"}
    assert ackproof.check(table, "register", columns=columns).validity is Validity.INVALID
    with pytest.raises(ValueError, match="columns are those of a file"):
        ackproof.check(ackproof.read_history(table, columns=columns), "register", columns=columns)


def test_warnings_are_shown_and_stored(tmp_path: Path) -> None:
    (tmp_path / "history.edn").write_text(edn("9 fail write 3", *call(0, "write", "1")))
    result = CliRunner().invoke(check, [str(tmp_path / "history.edn"), "--model", "register"])
    assert "  warning: line 1: a failed operation without its invocation was left out" in result.output
    result = CliRunner().invoke(check, [str(tmp_path / "history.edn"), "--model", "register", "--json"])
    assert '"warnings":["line 1: a failed operation' in result.output
