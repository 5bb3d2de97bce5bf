"""A bank: transfers move money between accounts, so every read of all accounts shows the same total.

Operations, as Jepsen's `bank` has them: `transfer` of `{"from": A, "to": B, "amount": N}`, and `read`, whose
reply is an object of all accounts and their balances. A read with a wrong total saw half of a transfer, or a
transfer that was lost or made twice on one side. No balance may be below 0 unless that is allowed, and every
account must hold a number.

Where the total is not stated, all reads must show the same one. Of two that differ one is wrong, but not
known which; those that differ from most others are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import NEVER
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import sentence
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    named,
    numbers,
    of,
    whole,
)
from history import Recording

TRANSFER, READ = "transfer", "read"


class Wrong(NamedTuple):
    """A read that a correct bank never answers."""

    kind: str
    read: ClientOperation
    why: str
    badness: float
    others: tuple[ClientOperation, ...] = ()


@dataclass(frozen=True)
class Bank:
    """Compares the total of each read with the bank's, and each balance with 0."""

    total: int | None = None
    """The sum of all accounts; None: the sum that most reads show."""
    negative_balances: bool = False
    """Whether an account may be below 0."""
    name: str = "bank"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of transfers.

        Raises:
            IllegalOperation: an operation of another kind, or a transfer or read of another form.
        """
        wrong: list[Wrong] = []
        sums: Counter[int] = Counter()
        moved = reads = 0
        compared = tested = False
        for key, calls in by_key(client_operations(recording.history, self.name, [TRANSFER, READ])).items():
            transfers = [one for one in calls if one.invocation.f == TRANSFER and _amount(one)]
            moved += sum(one.outcome != "fail" for one in transfers)
            shown_by = {
                place: _balances(one)
                for place, one in enumerate(calls)
                if one.invocation.f == READ and one.outcome == "ok"
            }
            totals = {place: sum(filter(None, balances.values())) for place, balances in shown_by.items()}
            here = Counter(totals.values())
            compared |= len(shown_by) > (self.total is None)
            begun = min((one.at for one in transfers if one.outcome == "ok"), default=NEVER)
            tested |= any(calls[place].until > begun for place in shown_by)
            reads += len(shown_by)
            sums.update(here)
            usual = self.total if self.total is not None else max(here, key=lambda s: here[s], default=None)
            example = None
            if self.total is None:
                example = next((calls[place] for place, total in totals.items() if total == usual), None)
            for place, balances in shown_by.items():
                wrong += self._judge_one(
                    key, calls[place], balances, totals[place], usual, example, transfers
                )
        counts = Counter(one.kind for one in wrong)
        wrong.sort(key=lambda one: -one.badness)
        first = [next(one for one in wrong if one.kind == kind) for kind in counts]
        shown = [*first, *(one for one in wrong if one not in first)][:MOST_EVIDENCE]
        evidence = tuple(Evidence(one.kind, one.why, numbers(one.read, *one.others)) for one in shown)
        mark: Mark
        if wrong:
            mark = Validity.INVALID
            tally = ", ".join(f"{count} show {kind}" for kind, count in counts.items())
            summary = f"of {reads} reads, {tally}; for example: {evidence[0].text}"
        elif not reads:
            mark, summary = Unjudged.NOT_EXERCISED, "no read was answered, so no total is known"
        elif not compared:
            mark, summary = Unjudged.NOT_EXERCISED, "one read was answered, and no total was stated"
        elif not tested:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "no transfer was acknowledged before the last read, so no total could go wrong",
            )
        else:
            mark, summary = (
                Validity.VALID,
                f"{reads} reads show the same total, through {moved} transfers",
            )
        measures: dict[str, Any] = {"reads": reads, "transfers": moved, "wrong": dict(counts)}
        if sums:
            measures |= {"lowest_total": min(sums), "highest_total": max(sums)}
        caveat = "the total was not stated, so reads were compared with each other"
        return Verdict.marked(
            self.name, mark, summary, evidence, measures, () if self.total is not None else (caveat,)
        )

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _judge_one(
        self,
        key: str | None,
        read: ClientOperation,
        balances: Mapping[str, int | None],
        total: int,
        usual: int | None,
        example: ClientOperation | None,
        transfers: list[ClientOperation],
    ) -> Iterable[Wrong]:
        who = f"Operation {read.at} read"
        nothing = [account for account, balance in balances.items() if balance is None]
        if nothing:
            why = f"{who} no balance{of(key)} in account {', '.join(nothing)}; every account has one."
            yield Wrong("an account without a balance", read, why, len(nothing))
        elif usual is not None and total != usual:
            off, others = total - usual, () if example is None else (example,)
            source = "that was stated" if example is None else f"that operation {example.at} read"
            than = f"{abs(off)} {'more' if off > 0 else 'less'} than the {usual} {source}"
            why = f"{who} a total of {total}{of(key)}, {than}."
            halves = [
                one
                for one in transfers
                if abs(_amount(one)) == abs(off)
                and one.outcome != "fail"
                and one.at < read.until
                and one.until > read.at
            ]
            if halves:
                why += (
                    f" {sentence(named(halves))} moved exactly that amount at the same time, "
                    "so the read probably saw half of a transfer."
                )
            yield Wrong("a wrong total", read, why, abs(off), (*others, *halves[:4]))
        below = {account: b for account, b in balances.items() if b is not None and b < 0}
        if below and not self.negative_balances:
            shown = ", ".join(f"{balance} in account {account}" for account, balance in below.items())
            yield Wrong("a balance below 0", read, f"{who} {shown}{of(key)}.", -min(below.values()))


def _amount(one: ClientOperation) -> int:
    value = one.invocation.value
    if not isinstance(value, Mapping) or not {"from", "to", "amount"} <= value.keys():
        raise IllegalOperation(one.at, f'a transfer is {{"from": A, "to": B, "amount": N}}, not {value!r}')
    return whole(one.at, value["amount"], "what a transfer moves is a whole number")


def _balances(one: ClientOperation) -> Mapping[str, int | None]:
    where, reply = one.positions[-1], one.reply
    if not isinstance(reply, Mapping) or not reply:
        raise IllegalOperation(where, f"a read gives an object of accounts and balances, not {reply!r}")
    for balance in reply.values():
        if balance is not None:
            whole(where, balance, "a balance is a whole number")
    return reply
