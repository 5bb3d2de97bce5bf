"""Every judge by name: Jepsen's histories as they are, options, and refusals with the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.commands.judging.check import check
from ackproof.cli.output.exits import exit_of
from checkers.judges import ISOLATION, JUDGES, judge_named, options_of, options_of_class
from checkers.models import MODELS
from checkers.verdict import Validity
from history import Recording
from history.formats import read


class Case(NamedTuple):
    """A history as Jepsen writes it (process, type, f, value), and what is to be said of it."""

    model: str
    rows: Sequence[tuple[int, str, str, str]]
    validity: Validity
    options: Mapping[str, str] = {}


def pair(process: int, f: str, asked: str, told: str, type_: str = "ok") -> list[tuple[int, str, str, str]]:
    return [(process, "invoke", f, asked), (process, type_, f, told)]


TRANSFER = "{:from 0, :to 1, :amount 5}"
BANK = [*pair(0, "transfer", TRANSFER, TRANSFER), *pair(1, "read", "nil", "{0 5, 1 15}")]
COUNTER = [*pair(0, "add", "2", "2"), *pair(1, "read", "nil", "2")]
LOCK = [*pair(0, "acquire", "nil", "{:fence 3}"), *pair(0, "release", "nil", "nil")]
HELD = [
    *pair(0, "acquire", "nil", "3"),
    *pair(1, "acquire", "nil", "4"),
    *pair(0, "release", "nil", "nil"),
]
WATCHED = [
    *pair(0, "write", '"a"', '"a"'),
    *pair(0, "write", '"b"', '"b"'),
    *pair(1, "watch", "nil", '["a" "b"]'),
]
FORK = [
    *pair(0, "write", "[[:w 0 1]]", "[[:w 0 1]]"),
    *pair(1, "write", "[[:w 1 1]]", "[[:w 1 1]]"),
    *pair(2, "read", "[[:r 0 nil] [:r 1 nil]]", "[[:r 0 1] [:r 1 nil]]"),
]
SET = [*pair(0, "add", "1", "1"), *pair(0, "add", "2", "2", "info"), *pair(1, "read", "nil", "#{1}")]
QUEUE = [*pair(0, "enqueue", "1", "1"), *pair(0, "enqueue", "2", "2"), *pair(1, "dequeue", "nil", "1")]
IDS = [*pair(0, "generate", "nil", '#uuid "a"'), *pair(1, "generate", "nil", '#uuid "b"')]
DEAF = [*pair(0, "put", "1", "1"), *pair(0, "put", "2", "nil", "fail"), *pair(0, "put", "2", "2")]
CASES = [
    Case("availability", DEAF, Validity.UNKNOWN),  # without a bound it only measures
    Case("availability", DEAF, Validity.VALID, {"bound-s": "1", "writes": "put,cas"}),
    Case("availability", DEAF, Validity.INVALID, {"bound-s": "1e-9"}),
    Case("bank", BANK, Validity.VALID, {"total": "20"}),
    Case("bank", BANK, Validity.INVALID, {"total": "25"}),
    Case("bank", [*BANK, *pair(0, "read", "nil", "{0 -1, 1 21}")], Validity.INVALID),
    Case(
        "bank",
        [*BANK, *pair(0, "read", "nil", "{0 -1, 1 21}")],
        Validity.VALID,
        {"negative-balances": "true"},
    ),
    Case("interval-counter", COUNTER, Validity.VALID),
    Case("interval-counter", [*COUNTER, *pair(0, "read", "nil", "3")], Validity.INVALID),
    Case("interval-counter", COUNTER, Validity.INVALID, {"initial": "1"}),
    Case("lease", [*LOCK, *pair(1, "acquire", "nil", "{:fence 4}")], Validity.VALID),
    Case("lease", [*LOCK, *pair(1, "acquire", "nil", "{:fence 3}")], Validity.INVALID),
    Case("lease", [*LOCK[:2], *pair(1, "acquire", "nil", "nil")], Validity.INVALID),
    Case("lease", [*LOCK[:2], *pair(1, "acquire", "nil", "nil")], Validity.UNKNOWN, {"lease-s": "1e-9"}),
    Case("lock", [*HELD[:2], *HELD[4:], *HELD[2:4]], Validity.VALID),
    Case("lock", HELD, Validity.INVALID),
    Case("lock", HELD[:4], Validity.UNKNOWN),
    Case("long-fork", FORK, Validity.VALID),
    Case(
        "long-fork",
        [*FORK, *pair(3, "read", "[[:r 1 nil] [:r 0 nil]]", "[[:r 1 1] [:r 0 nil]]")],
        Validity.INVALID,
    ),
    Case("set-full", SET, Validity.VALID),
    Case("set-full", [*SET, *pair(1, "read", "nil", "#{2}")], Validity.INVALID),
    Case("set-full", [*SET, *pair(1, "read", "nil", "#{}"), *pair(1, "read", "nil", "#{1}")], Validity.VALID),
    Case(
        "set-full",
        [*SET, *pair(1, "read", "nil", "#{}"), *pair(1, "read", "nil", "#{1}")],
        Validity.INVALID,
        {"linearizable": "true"},
    ),
    Case("total-queue", [*QUEUE, *pair(1, "drain", "nil", "[2]")], Validity.VALID),
    Case("total-queue", [*QUEUE, *pair(1, "drain", "nil", "[]")], Validity.INVALID),
    Case("total-queue", QUEUE, Validity.UNKNOWN),
    Case("total-queue", [*QUEUE, *pair(1, "drain", "nil", "[2 1]")], Validity.VALID),
    Case(
        "total-queue", [*QUEUE, *pair(1, "drain", "nil", "[2 1]")], Validity.INVALID, {"exactly-once": "true"}
    ),
    Case("unique-ids", IDS, Validity.VALID),
    Case("watch-order", WATCHED, Validity.VALID),
    Case("watch-order", [*WATCHED, *pair(2, "watch", "nil", '["b" "a"]')], Validity.INVALID),
    Case("watch-order", WATCHED[:4], Validity.UNKNOWN),
    Case("unique-ids", [*IDS, *pair(2, "generate", "nil", '#uuid "a"')], Validity.INVALID),
]


def edn(case: Case, *, independent: bool = False) -> str:
    """As a `history.edn`, the nemesis included."""
    lines = ["{:type :info, :f :start, :value nil, :process :nemesis, :time 0, :index 0}"]
    for index, (process, type_, f, value) in enumerate(case.rows, start=1):
        told = f"[7 {value}]" if independent else value
        more = (
            f", :time {1000 * index}, :index {index}, :error :timeout"
            if type_ == "info"
            else f", :time {1000 * index}"
        )
        # After `info`, Jepsen's thread goes on as another process.
        later = process + 10 * any(row[0] == process and row[1] == "info" for row in case.rows[: index - 1])
        lines.append(f"{{:type :{type_}, :f :{f}, :value {told}, :process {later}{more}}}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model}-{case.validity.value}")
@pytest.mark.parametrize("independent", [False, True])
def test_jepsens_histories_are_judged_as_they_are(case: Case, independent: bool, tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    path.write_text(edn(case, independent=independent))
    options = [word for name, value in case.options.items() for word in ("--option", f"{name}={value}")]
    format_ = ["--format", "jepsen-edn-independent"] if independent else []
    result = CliRunner().invoke(check, [str(path), "--model", case.model, *options, *format_, "--json"])
    assert result.exit_code == exit_of(case.validity), result.output
    verdict = msgspec.json.decode(result.stdout)["result"][0]["verdict"]
    assert verdict["checker"] == case.model
    assert bool(verdict.get("evidence")) == (case.validity is Validity.INVALID)


def test_every_judge_has_a_case_of_each_validity_it_can_give() -> None:
    tried = {(case.model, case.validity) for case in CASES}
    for name in set(JUDGES) - {"causal", "sessions", "watch"}:  # which have files of their own
        assert {(name, Validity.VALID), (name, Validity.INVALID)} <= tried


ANY = ("availability", "watch")
"""Judges for whatever else clients do: they refuse nothing."""


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_an_empty_history_is_unknown_and_a_strange_operation_is_refused_with_its_line(
    name: str, tmp_path: Path
) -> None:
    assert judge_named(name, {}).name == name
    quiet = read(None, "{:type :info, :f :start, :value nil, :process :nemesis, :time 0}\n")
    assert judge_named(name, {}).judge(Recording((), quiet.history)).validity is Validity.UNKNOWN
    path = tmp_path / "history.edn"
    path.write_text(edn(Case(name, pair(0, "hug", "nil", "nil"), Validity.UNKNOWN)))
    result = CliRunner().invoke(check, [str(path), "--model", name])
    if name in ANY:
        assert result.exit_code == exit_of("unknown")
        return
    assert result.exit_code == 255
    assert "history.edn, line 2: unknown f 'hug'" in result.stderr


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_the_options_that_help_names_are_the_fields_of_the_judge(name: str) -> None:
    assert JUDGES[name].options == tuple(options_of_class(JUDGES[name].load()))


def test_names_are_of_one_thing_each() -> None:
    names = [*MODELS, *ISOLATION, *JUDGES]
    assert len(set(names)) == len(names)


def test_an_option_that_a_judge_has_not_or_that_is_no_value_is_refused() -> None:
    assert options_of("bank") == ("total", "negative-balances")
    assert options_of("cas-register") == ()
    for arguments, said in (
        (["bank", "--option", "lease-s=1"], "bank has no option 'lease-s'; it has total, negative-balances"),
        (["cas-register", "--option", "total=1"], "cas-register has no option 'total'; it has initial"),
        (["bank", "--option", "total=much"], "total of bank cannot be 'much'"),
        (["lease", "--option", "lease-s=0"], "lease-s of lease cannot be '0'"),
        (["lease", "--option", "lease-s=nan"], "lease-s of lease cannot be 'nan'"),
        (["bank", "--option", "total"], "'total' is not NAME=VALUE"),
    ):
        result = CliRunner().invoke(check, ["none.edn", "--model", *arguments])
        assert result.exit_code == 2
        assert said in result.stderr.replace("\n", " "), result.stderr
