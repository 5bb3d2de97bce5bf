"""`ackproof check`: verdicts, evidence, exit codes, refusals."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.commands.judging import check as check_command
from ackproof.cli.commands.judging.check import CheckedFile, check
from ackproof.judging.limits import MemoryLimit, resident_bytes
from tests import REPOSITORY

CORPUS = REPOSITORY / "tests" / "corpora" / "porcupine"
VALID, INVALID = str(CORPUS / "jepsen" / "etcd_002.log"), str(CORPUS / "jepsen" / "etcd_040.log")


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(check, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_valid_history_exits_0_and_says_how_long_it_took() -> None:
    code, out, _ = run(VALID, "--model", "cas-register")
    assert code == 0
    assert "VALID  " in out
    assert "checked" in out


def test_an_invalid_history_exits_1_with_evidence_in_words_and_bars() -> None:
    code, out, _ = run(INVALID, "--model", "cas-register")
    assert code == 1
    assert "no order also explains this one: operation 83 (read -> 4)" in out
    assert "Operations" not in out
    bars = [line for line in out.splitlines() if line.rstrip().endswith("--|")]
    assert [line.split()[0] for line in bars] == ["80", "83"]


def test_a_key_of_digits_is_shown_as_its_file_writes_it() -> None:
    code, out, _ = run(str(CORPUS / "kv" / "c10-bad.txt"), "--model", "kv-append")
    assert code == 1
    assert '(get "0")' in out
    wrong = [line for line in out.splitlines() if line.endswith("<- wrong")]
    assert wrong
    assert all("get" in line for line in wrong)  # the reply, of all operations that were at 0 s
    assert 'key "7" is not linearizable' in out
    assert "ue000" not in out


@pytest.mark.parametrize("arguments", [("--model", "register"), ("--model", "no-such-model")], ids=" ".join)
def test_a_program_that_calls_it_collects_garbage_as_before(arguments: tuple[str, ...]) -> None:
    before = gc.get_threshold()
    run("-", *arguments, stdin="")
    assert gc.get_threshold() == before


def test_a_budget_that_runs_out_exits_2() -> None:
    code, out, _ = run(VALID, "--model", "cas-register", "--configurations", "3")
    assert code == 2
    assert "no answer within 3 configurations" in out


def test_standard_input_is_read() -> None:
    text = (CORPUS / "kv" / "c01-ok.txt").read_text()
    code, out, _ = run("-", "--model", "kv-append", stdin=text)
    assert code == 0
    assert out.startswith("-: VALID")


def test_of_several_files_the_gravest_verdict_counts() -> None:
    code, out, _ = run(VALID, INVALID, "--model", "cas-register", "--json")
    assert code == 1
    assert [one["verdict"]["validity"] for one in msgspec.json.decode(out)["result"]] == ["valid", "invalid"]


def test_files_that_take_long_are_judged_in_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = run(VALID, INVALID, INVALID, "--model", "cas-register", "--json")
    monkeypatch.setattr(check_command, "WORTH_PROCESSES_S", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    left: list[int] = []
    beside = check_command._check_beside

    def noted(files: Sequence[str], *rest: Any, **named: Any) -> list[CheckedFile]:
        left.append(len(files))
        return beside(files, *rest, **named)

    monkeypatch.setattr(check_command, "_check_beside", noted)
    together = run(VALID, INVALID, INVALID, "--model", "cas-register", "--json")
    assert left == [2], "the first file is judged here"
    verdicts = [
        [one["verdict"] for one in msgspec.json.decode(out)["result"]] for _, out, _ in (alone, together)
    ]
    assert verdicts[0] == verdicts[1]
    assert together[0] == 1


def test_an_unknown_f_is_refused_with_its_line_and_255() -> None:
    code, _, err = run(str(CORPUS / "kv" / "c01-ok.txt"), VALID, "--model", "cas-register")
    assert code == 255
    assert "c01-ok.txt, line 1: unknown f" in err
    assert "cas-register has cas, read, write" in err


def test_a_missing_file_is_refused() -> None:
    code, _, err = run("no-such-file.log", "--model", "cas-register")
    assert code == 255
    assert "no-such-file.log" in err


def test_an_unknown_model_suggests_the_nearest() -> None:
    code, _, err = run(VALID, "--model", "cas-registr")
    assert code == 2  # click's own; `ackproof` turns it into 254
    assert "did you mean 'cas-register'?" in err


def test_a_stored_run_of_the_registry_is_judged_with_its_lists(tmp_path: Path) -> None:
    lines = [
        '{"index":0,"time":1,"process":0,"type":"invoke","f":"register","key":"s/a:1","value":"r1"}',
        '{"index":1,"time":2,"process":0,"type":"ok","f":"register","key":"s/a:1","value":"r1"}',
        '{"index":2,"time":3,"process":0,"type":"invoke","f":"list","key":"s"}',
        '{"index":3,"time":4,"process":0,"type":"ok","f":"list","key":"s","value":{}}',
    ]
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join(lines) + "\n")
    code, out, _ = run(str(path), "--model", "registry")
    assert code == 1
    assert "s/a:1 is not linearizable" in out


def skewed(tmp_path: Path) -> str:
    """Two transactions that each missed the other's append, as Jepsen writes them down."""
    rows = [
        "{:type :invoke, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0, :index 0, :time 1}",
        "{:type :invoke, :f :txn, :value [[:r 2 nil] [:append 1 1]], :process 1, :index 1, :time 2}",
        "{:type :ok, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0, :index 2, :time 3}",
        "{:type :ok, :f :txn, :value [[:r 2 []] [:append 1 1]], :process 1, :index 3, :time 4}",
    ]
    path = tmp_path / "history.edn"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def test_transactions_are_judged_for_the_consistency_asked_for(tmp_path: Path) -> None:
    file = skewed(tmp_path)
    code, out, _ = run(file, "--model", "list-append")
    assert (code, "not strict-serializable: 1 G2-item" in out) == (1, True)
    assert "did not observe T2's append of 1" in out
    code, out, _ = run(file, "--model", "list-append", "--consistency", "snapshot-isolation")
    assert (code, "1 G2-item" in out) == (0, True)


def test_each_cycle_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    run(skewed(tmp_path), "--model", "list-append", "--pictures", str(tmp_path / "new" / "pictures"))
    (picture,) = (tmp_path / "new" / "pictures").iterdir()
    assert picture.name == "1-history-1.svg"
    assert picture.read_text().startswith("<svg ")


def test_a_transaction_that_breaks_a_rule_is_refused_with_its_line(tmp_path: Path) -> None:
    code, _, err = run(skewed(tmp_path), "--model", "rw-register")
    assert code == 255
    assert "history.edn, line 1: the f of a step is w or r" in err


def test_a_consistency_model_is_refused_for_what_are_no_transactions() -> None:
    code, _, err = run(VALID, "--model", "cas-register", "--consistency", "serializable")
    assert code == 2
    assert "consistency is for list-append and rw-register, not for cas-register" in err
    code, _, err = run(VALID, "--model", "list-append", "--consistency", "serialisable")
    assert "did you mean 'serializable'?" in err


def test_a_check_loads_neither_clients_nor_reports_nor_what_reads_parquet() -> None:
    program = (
        "import sys; sys.argv = ['ackproof', 'check', sys.argv[1], '--model', 'cas-register', '--json']\n"
        "from ackproof.cli.entry import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "heavy = {'aiohttp', 'jinja2', 'pyarrow', 'pandas', 'rich', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program, VALID], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert '"valid"' in done.stdout


def test_no_other_command_loads_the_compiler() -> None:
    program = (
        "import sys; from ackproof.cli.main import COMMANDS; [entry.load() for entry in COMMANDS.values()]; "
        "assert 'numba' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_a_bound_of_memory_counts_all_that_the_process_takes() -> None:
    taken = resident_bytes()
    assert 10 << 20 < taken < 64 << 30
    assert MemoryLimit(taken // 2)(0)
    assert not MemoryLimit(taken * 2)(1 << 20)
    assert MemoryLimit(taken * 2)(taken * 2)
    code, out, _ = run(VALID, "--model", "cas-register", "--memory-mib", "1")
    assert code == 0, out  # what it begins with is enough


def test_many_large_files_are_judged_in_the_order_in_which_they_were_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ackproof.cli.commands.judging.check.WORTH_PROCESSES_S", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    files = [VALID, INVALID, VALID, INVALID, INVALID]
    code, out, _ = run(*files, "--model", "cas-register", "--json", "--memory-mib", "3000")
    assert code == 1
    found = [one["verdict"]["validity"] for one in msgspec.json.decode(out)["result"]]
    assert found == ["valid", "invalid", "valid", "invalid", "invalid"]
