"""The workload `lock` in virtual time, against locks in memory, right and wrong."""

from __future__ import annotations

import pytest

from checkers.verdict import Validity
from history import Operation
from tests.harness.workload.general.stores import Took, found_by, history_of, judged


class Locks:
    """Locks in memory, by process. `fenced`: acquire gives tokens. `expires`: of this number of acquisitions,
    one is lost at once. `shares`: of this number of acquisitions of a held lock, one succeeds; `confirms`: it
    says that it was held to the end, too. `repeats`: each second token is given again."""

    def __init__(
        self,
        fenced: bool = False,
        expires: int = 0,
        shares: int = 0,
        confirms: bool = False,
        repeats: bool = False,
    ) -> None:
        self.holders: dict[str, set[int]] = {}
        self.acquired = self.refused = self.token = 0
        self.fenced, self.expires, self.shares = fenced, expires, shares
        self.confirms, self.repeats = confirms, repeats

    def carry_out(self, op: Operation, _now: int) -> Took:
        holders = self.holders.setdefault(str(op.key), set())
        if op.f == "release":
            held = op.process in holders
            holders.discard(op.process)
            return ("ok", None) if held or self.confirms else ("fail", None)
        if holders:
            self.refused += 1
            if not self.shares or self.refused % self.shares:
                return "fail", None
        self.acquired += 1
        if self.confirms or not self.expires or self.acquired % self.expires:
            holders.add(op.process)
        self.token += not self.repeats or self.acquired % 2
        return "ok", self.token if self.fenced else None


@pytest.mark.parametrize("fenced", [False, True])
@pytest.mark.parametrize("expires", [0, 7])
@pytest.mark.parametrize("seed", range(2))
def test_a_right_lock_is_found_valid_without_traces_and_indices(
    fenced: bool, expires: int, seed: int
) -> None:
    locks = Locks(fenced=fenced, expires=expires)
    found = judged("lock", history_of("lock", locks.carry_out, seed=seed, seconds=6, unknown=61))
    assert found.validity is Validity.VALID, found.decisive


def test_clients_compete_and_release_what_they_hold() -> None:
    history = history_of("lock", Locks().carry_out, unknown=0)
    ended = [(op.f, op.type) for op in history if op.type != "invoke"]
    assert (
        min(ended.count(pair) for pair in (("acquire", "ok"), ("acquire", "fail"), ("release", "ok"))) > 100
    )
    assert ("release", "fail") not in ended


def test_two_holders_at_once_are_found_and_named() -> None:
    found = judged("lock", history_of("lock", Locks(shares=40).carry_out, unknown=0))
    assert found_by(found) == {"lock"}
    [lock] = [one for one in found.verdicts if one.checker == "lock"]
    assert "got the lock lock-" in lock.evidence[0].title
    assert "while process" in lock.evidence[0].title


def test_a_release_that_claims_a_hold_that_was_lost_is_found() -> None:
    """It makes another's hold overlap, which the system promised not to happen."""
    locks = Locks(expires=7, shares=5, confirms=True)
    assert found_by(judged("lock", history_of("lock", locks.carry_out, unknown=0))) == {"lock"}


def test_tokens_that_do_not_rise_are_found() -> None:
    found = judged("lock", history_of("lock", Locks(fenced=True, repeats=True).carry_out, unknown=0))
    assert found_by(found) == {"lock"}
