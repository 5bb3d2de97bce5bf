"""A bank: transfers move money between accounts, so every read of all accounts shows the same total.

Operations, as Jepsen's `bank` has them: `transfer` of `{"from": A, "to": B, "amount": N}`, and `read`, whose
reply is an object of all accounts and what is in each. A read that sums wrongly saw a transfer half done, or
one that was lost or made twice on one side. No balance may be below 0 unless that is allowed, and none may be
nothing.

Where the total is not stated, reads must agree on one: two that do not cannot both be right. Which of them is
wrong nobody can tell then; those that most others do not agree with are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Validity, Verdict, checked
from checkers.workloads.asked import Asked, asked, by_key, named, of, rows, whole
from history import Recording

TRANSFER, READ = "transfer", "read"


class Wrong(NamedTuple):
    """A read that no bank gives."""

    kind: str
    read: Asked
    why: str
    badness: float
    others: tuple[Asked, ...] = ()


@dataclass(frozen=True)
class Bank:
    """Holds the total of each read, and each balance."""

    total: int | None = None
    """What all accounts hold together; None: what most reads say."""
    negative_balances: bool = False
    """Whether an account may be below 0."""
    name: str = "bank"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of transfers.

        Raises:
            IllegalOperation: an operation of another kind, or a transfer or read that is not as it must be.
        """
        wrong: list[Wrong] = []
        sums: Counter[int] = Counter()
        moved = reads = 0
        for key, calls in by_key(asked(recording.history, self.name, [TRANSFER, READ])).items():
            transfers = [one for one in calls if one.begun.f == TRANSFER and _amount(one)]
            moved += sum(one.outcome != "fail" for one in transfers)
            told = {
                place: _balances(one)
                for place, one in enumerate(calls)
                if one.begun.f == READ and one.outcome == "ok"
            }
            totals = {place: sum(filter(None, balances.values())) for place, balances in told.items()}
            here = Counter(totals.values())
            reads += len(told)
            sums.update(here)
            usual = self.total if self.total is not None else max(here, key=lambda s: here[s], default=None)
            example = None
            if self.total is None:
                example = next((calls[place] for place, total in totals.items() if total == usual), None)
            for place, balances in told.items():
                wrong += self._judge_one(
                    key, calls[place], balances, totals[place], usual, example, transfers
                )
        counts = Counter(one.kind for one in wrong)
        wrong.sort(key=lambda one: -one.badness)
        first = [next(one for one in wrong if one.kind == kind) for kind in counts]
        shown = [*first, *(one for one in wrong if one not in first)][:MOST_EVIDENCE]
        evidence = tuple(Evidence(one.kind, one.why, rows(one.read, *one.others)) for one in shown)
        if wrong:
            validity = Validity.INVALID
            tally = ", ".join(f"{count} with {kind}" for kind, count in counts.items())
            summary = f"of {reads} reads, {tally}, as: {evidence[0].text}"
        elif not reads:
            validity, summary = Validity.UNKNOWN, "nothing was read, so nothing was shown"
        elif not moved:
            validity, summary = Validity.UNKNOWN, "nothing was transferred, so nothing was shown"
        else:
            validity, summary = Validity.VALID, f"{reads} reads show one total through {moved} transfers"
        measures: dict[str, Any] = {"reads": reads, "transfers": moved, "wrong": dict(counts)}
        if sums:
            measures |= {"lowest_total": min(sums), "highest_total": max(sums)}
        caveat = "the total was not stated, so reads were held against each other"
        return Verdict(
            self.name, validity, summary, evidence, measures, () if self.total is not None else (caveat,)
        )

    def check(self, recording: Recording) -> Verdict:
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)

    def _judge_one(
        self,
        key: str | None,
        read: Asked,
        balances: Mapping[str, int | None],
        total: int,
        usual: int | None,
        example: Asked | None,
        transfers: list[Asked],
    ) -> Iterable[Wrong]:
        who = f"Operation {read.at} read"
        nothing = [account for account, balance in balances.items() if balance is None]
        if nothing:
            why = f"{who} nothing{of(key)} in account {', '.join(nothing)}: every account holds something."
            yield Wrong("nothing in an account", read, why, len(nothing))
        elif usual is not None and total != usual:
            off, others = total - usual, () if example is None else (example,)
            told = "stated" if example is None else f"that operation {example.at} read"
            than = f"{abs(off)} {'more' if off > 0 else 'less'} than the {usual} {told}"
            why = f"{who} {total} in all{of(key)}, {than}."
            halves = [
                one
                for one in transfers
                if abs(_amount(one)) == abs(off)
                and one.outcome != "fail"
                and one.at < read.until
                and one.until > read.at
            ]
            if halves:
                why += f" That is what {named(halves)} moved, which ran beside it: as if half of it was seen."
            yield Wrong("a wrong total", read, why, abs(off), (*others, *halves[:4]))
        below = {account: b for account, b in balances.items() if b is not None and b < 0}
        if below and not self.negative_balances:
            shown = ", ".join(f"{balance} in account {account}" for account, balance in below.items())
            yield Wrong("a balance below 0", read, f"{who} {shown}{of(key)}.", -min(below.values()))


def _amount(one: Asked) -> int:
    value = one.begun.value
    if not isinstance(value, Mapping) or not {"from", "to", "amount"} <= value.keys():
        raise IllegalOperation(one.at, f'a transfer is {{"from": A, "to": B, "amount": N}}, not {value!r}')
    return whole(one.at, value["amount"], "what a transfer moves is a whole number")


def _balances(one: Asked) -> Mapping[str, int | None]:
    where, told = one.rows[-1], one.told
    if not isinstance(told, Mapping) or not told:
        raise IllegalOperation(where, f"a read gives an object of accounts and balances, not {told!r}")
    for balance in told.values():
        if balance is not None:
            whole(where, balance, "a balance is a whole number")
    return told
