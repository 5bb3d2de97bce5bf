"""Durability: what was acknowledged is still there at the end, and what was removed is not.

The module `rule` holds the rule, and why it is sound.

**Which reads count.** `final-list` claims to be linearizable. So it counts for each key whose writes were all
invoked, and if `ok` completed, before the read was invoked. `final-local` claims only to be what that node
has applied. So in addition its raft_index must have reached that of every acknowledged write and final list;
if one acknowledged write named no index, local reads prove nothing. A linearizable read may be forwarded to
another node and proves nothing about a node; only a node's own `final-local` shows that this *node* holds R.
A key or a node without such a read is `unknown`.

The checker works on columns, in time and memory O(n log n); it makes objects only for evidence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from checkers.limits import MUCH_EVIDENCE
from checkers.registry.durability.findings import (
    FAILED,
    INVENTED,
    LINEARIZABLE,
    LOST,
    RESURRECTED,
    UNACKNOWLEDGED,
    VIOLATIONS,
    DurabilityFinding,
    FinalRead,
    as_evidence,
)
from checkers.registry.durability.rule import Flags, Indices, RegistryWrites, apply_rule
from checkers.registry.names import (
    CLIENT_OPERATIONS,
    FINAL_LIST,
    FINAL_LOCAL,
    WRITES,
    as_listing,
    instance_key,
    service_of,
)
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import count, plural
from history import NEMESIS, Columns, History, Recording
from history.history import INFO, OK


def _rows_by_id(columns: Columns, writes: RegistryWrites) -> tuple[dict[str, int], Flags, list[str]]:
    """The row of the write of each id, the rows that cannot be judged, and why: an id is a text, written
    once."""
    rows = np.flatnonzero(writes.setters)
    codes = writes.id[rows]
    distinct, counts = np.unique(codes, return_counts=True)
    repeated = np.isin(writes.id, distinct[(counts > 1) & (distinct >= 0)])
    bad = writes.setters & ((writes.id < 0) | repeated)
    names = msgspec.json.decode(f"[{','.join(columns.values[code] for code in codes.tolist() if code >= 0)}]")
    found = dict(zip(names, rows[codes >= 0].tolist(), strict=True)) if _all_texts(names) else {}
    if not found:  # rare: find the rows whose id is not a text
        for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
            name = columns.decoded(code)
            if isinstance(name, str):
                found[name] = row
            else:
                bad[row] = True
    problems = [
        f"operation {int(writes.invoked[row])} writes {columns.decoded(int(writes.id[row]))!r}, which is no "
        "text, or is written twice"
        for row in np.flatnonzero(bad)[:MUCH_EVIDENCE].tolist()
    ]
    return found, bad, problems


def _all_texts(names: list[object]) -> bool:
    return all(type(name) is str for name in names)


def _final_reads(
    columns: Columns, pairs: Indices, nodes: tuple[str, ...]
) -> tuple[list[FinalRead], list[str]]:
    """The final reads that count, and the reasons why others do not."""
    problems: list[str] = []
    is_ok = (columns.type == OK) & (columns.process != NEMESIS)
    is_write = np.isin(columns.f, [columns.f_code(f) for f in WRITES])
    linearizable = is_ok & (columns.f == columns.f_code(FINAL_LIST))
    local = is_ok & (columns.f == columns.f_code(FINAL_LOCAL))
    required = int(
        columns.raft_index[is_ok & (is_write | (columns.f == columns.f_code(FINAL_LIST)))].max(initial=-1)
    )
    unplaced = np.flatnonzero(is_ok & is_write & (columns.raft_index < 0))

    reads: list[FinalRead] = []
    lagging: Counter[str] = Counter()
    for completed in np.flatnonzero((linearizable | local) & (columns.key >= 0)).tolist():
        place = LINEARIZABLE
        if local[completed]:
            node = int(columns.node[completed])
            if node < 0 or columns.nodes[node] not in nodes:
                problems.append(
                    f"operation {int(pairs[completed])}, a local read, does not name the node that was read"
                )
                continue
            place = columns.nodes[node]
            if len(unplaced):
                continue
            if int(columns.raft_index[completed]) < required:
                lagging[place] += 1
                continue
        reads.append(
            FinalRead(
                service=columns.keys[int(columns.key[completed])],
                place=place,
                invoked=int(pairs[completed]),
                completed=completed,
                value=int(columns.value[completed]),
            )
        )
    if len(unplaced) and local.any():
        problems.append(
            f"operation {int(pairs[unplaced[0]])} was acknowledged without a Raft index "
            f"(in all {len(unplaced)} were), "
            "so no local read is known to be recent enough"
        )
    problems += [
        f"{plural(number, 'local read')} of {node} came before {node} had applied index {required}"
        for node, number in sorted(lagging.items())
    ]
    return reads, problems


class _Judgement:
    """Judges all final reads in one pass."""

    def __init__(self, columns: Columns, writes: RegistryWrites, nodes: tuple[str, ...]) -> None:
        self._columns = columns
        self._writes = writes
        self.keys, self._must_not = apply_rule(writes)
        self._row_of_id, unfit, self.problems = _rows_by_id(columns, writes)
        self._fit = ~np.isin(self.keys.code, writes.key[unfit])
        self.covered = {place: np.zeros(len(self.keys.code), dtype=bool) for place in (LINEARIZABLE, *nodes)}
        """By place and key: whether a read that counts was judged."""
        self.findings: dict[DurabilityFinding, list[FinalRead]] = {}
        self._positions: dict[str, dict[str, int]] = {}
        for position, code in enumerate(self.keys.code.tolist()):
            key = columns.keys[code]
            self._positions.setdefault(service_of(key), {})[key] = position

    def judge(self, reads: list[FinalRead]) -> None:
        """Judge every read; equal reads of a service are judged once."""
        alike: dict[tuple[str, int], list[FinalRead]] = {}
        for read in reads:
            alike.setdefault((read.service, read.value), []).append(read)
        for (service, value), group in alike.items():
            listing = as_listing({} if value < 0 else self._columns.decoded(value))
            if listing is None:
                self.problems.append(f"operation {group[0].invoked} does not answer with a list of instances")
                continue
            self._judge_alike(service, listing, group)

    def _judge_alike(self, service: str, listing: dict[str, str], group: list[FinalRead]) -> None:
        positions = self._positions.get(service, {})
        seen = {instance_key(service, instance): id_ for instance, id_ in listing.items()}
        at = np.fromiter(positions.values(), dtype=np.int64, count=len(positions))
        wrong: list[
            tuple[int, DurabilityFinding]
        ] = []  # (position, or -1 for a key that no write names; what)
        present = np.full(len(at), -1, dtype=np.int64)
        for offset, (key, position) in enumerate(positions.items()):
            id_ = seen.pop(key, None)
            if id_ is None:
                continue
            row = self._row_of_id.get(id_, -1)
            if row < 0 or self._writes.key[row] != self.keys.code[position]:
                wrong.append((position, DurabilityFinding(INVENTED, key, id_, -1)))
                present[offset] = -2
            else:
                present[offset] = row
        wrong += [(-1, DurabilityFinding(INVENTED, key, id_, -1)) for key, id_ in seen.items()]

        must, names = self.keys.must[at], list(positions)
        lost = np.where(must >= 0, must, np.where(present == -1, self.keys.kept[at], -1))
        for offset in np.flatnonzero((lost >= 0) & (present != lost)).tolist():
            wrong.append((int(at[offset]), self._finding(LOST, names[offset], int(lost[offset]))))
        held = np.flatnonzero(present >= 0)
        rows = present[held]
        void, gone = self._writes.void[rows], self._must_not[rows] | self.keys.empty[at[held]]
        for kind, where in (
            (FAILED, void),
            (RESURRECTED, gone & ~void),
            (UNACKNOWLEDGED, (self._writes.outcome[rows] == INFO) & ~gone),
        ):
            for offset in held[where].tolist():
                wrong.append((int(at[offset]), self._finding(kind, names[offset], int(present[offset]))))

        for read in group:
            counts = self._fit[at] & (read.invoked > self.keys.settled[at])
            self.covered[read.place][at[counts]] = True
            for position, finding in wrong:
                if position < 0 or (self._fit[position] and read.invoked > self.keys.settled[position]):
                    self.findings.setdefault(finding, []).append(read)

    def key_name(self, position: int) -> str:
        """The key at a position of `keys`."""
        return self._columns.keys[int(self.keys.code[position])]

    def _finding(self, kind: str, key: str, row: int) -> DurabilityFinding:
        return DurabilityFinding(kind, key, str(self._columns.decoded(int(self._writes.id[row]))), row)

    def evidence(self, history: History, finding: DurabilityFinding, reads: list[FinalRead]) -> Evidence:
        """A violation in words."""
        return as_evidence(history, finding, reads, self._writes, self.keys, self._must_not)


@dataclass(frozen=True)
class Durability:
    """Judges the final reads of a `registry` run by the rule in `rule`."""

    name: str = "durability"

    def check(self, recording: Recording) -> Verdict:
        """Judge every key on every node."""
        columns, pairs = recording.history.columns, recording.history.pairs
        strange = _strange_operations(columns)
        if strange:
            return self._unknown(
                f"operations that this checker does not know may write: {', '.join(strange)}"
            )
        writes = RegistryWrites.of(columns, pairs)
        reads, problems = _final_reads(columns, pairs, recording.nodes)
        judgement = _Judgement(columns, writes, recording.nodes)
        judgement.judge(reads)
        problems += judgement.problems
        problems += _nothing_to_judge(recording)
        problems += _unread(judgement, recording.nodes)
        violations = sorted(
            (item for item in judgement.findings.items() if item[0].kind in VIOLATIONS),
            key=lambda item: (VIOLATIONS.index(item[0].kind), item[0].row, item[0].key),
        )
        mark, summary = _summary(judgement, writes, bool(violations), problems)
        evidence = [judgement.evidence(recording.history, *item) for item in violations[:MUCH_EVIDENCE]]
        evidence += [
            Evidence(title="durability was not judged", text=problem) for problem in problems[:MUCH_EVIDENCE]
        ]
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence),
            measures=_measures(judgement, writes, len(reads)),
            caveats=(
                "where writes of a key were concurrent, or ended info, the result of any of them is allowed",
                "a read of a node's own state counts only if that node had applied every acknowledged index",
            ),
        )

    def _unknown(self, reason: str) -> Verdict:
        return Verdict(
            checker=self.name,
            validity=Validity.UNKNOWN,
            summary=reason,
            evidence=(Evidence(title="durability was not judged", text=reason),),
        )


def _done(writes: RegistryWrites) -> Flags:
    """Whether each write was acknowledged and changed something."""
    return np.asarray((writes.outcome == OK) & ~writes.void)


def _nothing_to_judge(recording: Recording) -> list[str]:
    """Reasons for which the history as a whole, or a part of it, cannot be judged."""
    columns, problems = recording.history.columns, []
    keyless = np.flatnonzero((columns.key < 0) & (columns.process != NEMESIS))
    if len(keyless):
        problems.append(
            f"{plural(len(keyless), 'operation names', 'operations name')} no key; "
            f"the first is operation {int(keyless[0])}"
        )
    if not recording.nodes:
        problems.append("the recording names no node, so it does not show what any node kept")
    return problems


def _summary(
    judgement: _Judgement,
    writes: RegistryWrites,
    has_violations: bool,
    problems: list[str],
) -> tuple[Mark, str]:
    """The mark, and the verdict in one sentence."""
    done = _done(writes)
    acknowledged = int(np.count_nonzero(writes.registers & done))
    updated = int(np.count_nonzero(writes.updates & done))
    must = int(np.count_nonzero(judgement.keys.must >= 0))
    counted = plural(acknowledged, "acknowledged registration")
    counted += f" and {plural(updated, 'acknowledged update')}" if updated else ""
    numbers = (
        f"{counted}; at the end, {count(must)} of {plural(len(judgement.keys.code), 'key')} must be present"
    )
    if has_violations:
        counts = Counter(finding.kind for finding in judgement.findings)
        found = ", ".join(f"{counts[kind]} {kind}" for kind in VIOLATIONS if counts[kind])
        return Validity.INVALID, f"{found}; {numbers}"
    if problems:
        return Validity.UNKNOWN, f"{problems[0]}; {numbers}"
    if not acknowledged:
        return Unjudged.NOT_EXERCISED, f"no registration was acknowledged, so none had to be kept; {numbers}"
    return Validity.VALID, f"{numbers}, and every node holds what it must"


def _measures(judgement: _Judgement, writes: RegistryWrites, reads: int) -> dict[str, Any]:
    """The counts of what was written, what must be there, and what was found, in all and by place."""
    done, keys = _done(writes), judgement.keys
    counts = Counter(finding.kind for finding in judgement.findings)
    by_place = {
        place: dict(
            Counter(
                finding.kind
                for finding, seen in judgement.findings.items()
                if any(read.place == place for read in seen)
            )
        )
        for place in judgement.covered
    }
    return {
        "acknowledged_registrations": int(np.count_nonzero(writes.registers & done)),
        "acknowledged_updates": int(np.count_nonzero(writes.updates & done)),
        "keys": len(keys.code),
        "must_be_present": int(np.count_nonzero(keys.must >= 0)),
        "must_hold_something": int(np.count_nonzero(keys.kept >= 0)),
        "must_be_empty": int(np.count_nonzero(keys.empty)),
        "final_reads": reads,
        **{kind.replace(" ", "_"): counts[kind] for kind in (*VIOLATIONS, UNACKNOWLEDGED)},
        "by_place": by_place,
    }


def _strange_operations(columns: Columns) -> list[str]:
    """The names of clients' operations that this workload does not have."""
    codes = np.unique(columns.f[columns.process != NEMESIS])
    return [name for code in codes.tolist() if (name := columns.f_names[code]) not in CLIENT_OPERATIONS]


def _unread(judgement: _Judgement, nodes: tuple[str, ...]) -> list[str]:
    """For each place where some keys were not read, a sentence that says so."""
    problems = []
    for place in (LINEARIZABLE, *nodes):
        missing = np.flatnonzero(~judgement.covered[place])
        if len(missing):
            key = judgement.key_name(int(missing[0]))
            where = "by any linearizable final list" if place == LINEARIZABLE else f"in {place}'s own state"
            problems.append(
                f"{count(len(missing))} of {plural(len(judgement.keys.code), 'key')} "
                f"{'was' if len(missing) == 1 else 'were'} not read {where}, for example {key}"
            )
    return problems
