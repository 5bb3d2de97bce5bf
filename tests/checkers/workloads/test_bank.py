"""The bank: valid where every read shows one moment, invalid where a read shows half a transfer."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.bank import Bank
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side

ACCOUNTS = [str(n) for n in range(5)]
TOTAL = 50


def banked(random: Random, steps: int = 60, *, overdrawn: bool = False) -> HistoryBuilder:
    """A bank under clients."""
    held = dict.fromkeys(ACCOUNTS, 10)

    def invent() -> tuple[str, str | None, Any]:
        if random.random() < 0.5:
            return "read", None, None
        source, target = random.sample(range(5), 2)
        return "transfer", None, {"from": source, "to": target, "amount": random.randrange(1, 6)}

    def effect(f: str, _key: str | None, value: Any) -> Any:
        if f == "read":
            return dict(held)
        if overdrawn or held[str(value["from"])] >= value["amount"]:
            held[str(value["from"])] -= value["amount"]
            held[str(value["to"])] += value["amount"]
        return None

    return side_by_side(random, steps, invent, effect)


def change(built: HistoryBuilder, at: int, account: str, balance: int | None) -> None:
    """Have a read tell another balance."""
    told = built.operations[at].value | {account: balance}
    built.operations[at] = msgspec.structs.replace(built.operations[at], value=told)


def test_reads_of_one_moment_are_valid_and_one_changed_balance_is_not() -> None:
    for seed in range(300):
        random = Random(seed)
        built = banked(random)
        for judge in (Bank(), Bank(total=TOTAL)):
            verdict = judge.check(recording(built))
            assert verdict.validity is Validity.VALID, verdict.summary
        at = random.choice(replies(built, "read"))
        account = random.choice(ACCOUNTS)
        change(built, at, account, built.operations[at].value[account] + random.randrange(1, 5))
        verdict = Bank(total=TOTAL).check(recording(built))
        assert verdict.validity is Validity.INVALID
        assert built.history().number(at) in verdict.evidence[0].operations
        assert verdict.measures["wrong"] == {"a wrong total": 1}
        if len(replies(built, "read")) > 1:
            assert Bank().check(recording(built)).validity is Validity.INVALID


def test_the_transfer_that_was_seen_half_is_named() -> None:
    built = HistoryBuilder()
    built.invoke(0, "transfer", None, {"from": "a", "to": "b", "amount": 3})
    built.invoke(1, "read")
    built.ok(1, {"a": 7, "b": 10})
    built.ok(0)
    built.do("read", None, None, {"a": 7, "b": 13})
    (evidence,) = Bank(total=20).check(recording(built)).evidence
    assert "a total of 17, 3 less than the 20 that was stated" in evidence.text
    assert "Operation 0 moved exactly that amount" in evidence.text
    assert evidence.operations == (0, 1)
    unstated = Bank().check(recording(built))
    assert unstated.validity is Validity.INVALID
    assert unstated.caveats
    assert "that operation" in unstated.evidence[0].text


def test_a_balance_below_0_is_blamed_where_it_is_forbidden() -> None:
    seen = 0
    for seed in range(40):
        built = banked(Random(seed), 120, overdrawn=True)
        below = [at for at in replies(built, "read") if min(built.operations[at].value.values()) < 0]
        verdict = Bank(total=TOTAL).check(recording(built))
        assert verdict.measures["wrong"].get("a balance below 0", 0) == len(below)
        assert (verdict.validity is Validity.INVALID) == bool(below)
        allowed = Bank(total=TOTAL, negative_balances=True).check(recording(built))
        assert allowed.validity is Validity.VALID
        seen += bool(below)
    assert seen > 10


def test_nothing_in_an_account_is_a_violation() -> None:
    built = banked(Random(1))
    change(built, replies(built, "read")[0], "3", None)
    verdict = Bank(total=TOTAL).check(recording(built))
    assert verdict.measures["wrong"] == {"an account without a balance": 1}
    assert "no balance in account 3" in verdict.evidence[0].text


def test_without_reads_or_transfers_nothing_is_shown() -> None:
    built = HistoryBuilder()
    built.do("transfer", None, {"from": 0, "to": 1, "amount": 1})
    built.do("read", None, None, None, "info")
    assert Bank().check(recording(built)).validity is Validity.UNKNOWN
    built = HistoryBuilder()
    built.do("read", None, None, {"0": 5})
    built.do("transfer", None, {"from": 0, "to": 1, "amount": 1}, None, "fail")
    assert Bank().check(recording(built)).validity is Validity.UNKNOWN
    assert Bank(total=6).check(recording(built)).validity is Validity.INVALID


@pytest.mark.parametrize(
    ("f", "value", "result", "where"),
    [
        ("transfer", {"from": 0, "to": 1}, None, 0),
        ("transfer", {"from": 0, "to": 1, "amount": "1"}, None, 0),
        ("transfer", [0, 1, 1], None, 0),
        ("read", None, [1, 2], 1),
        ("read", None, None, 1),
        ("read", None, {"0": 1.5}, 1),
        ("deposit", 1, None, 0),
    ],
)
def test_what_it_cannot_judge_is_refused_with_the_operation(
    f: str, value: Any, result: Any, where: int
) -> None:
    built = HistoryBuilder()
    built.do(f, None, value, result)
    with pytest.raises(IllegalOperation, match=f"operation {where}: "):
        Bank().judge(recording(built))
