"""Bounded staleness: a stale read shows an earlier state of the log, and not one that is too old.

A read with `consistency=stale` shows what one node had applied, and names that index. It must be what the log
held at that index. How old it is, is measured from below, by what the history proves:

- *in indices*: the highest index in any reply that came before the read began, less the read's own index;
- *in time*: how long before the read began a reply had come with a higher index than the read's own.

(Bailis et al., "Probabilistically bounded staleness", VLDB 2012, call these k- and t-staleness.) A bound is
judged where the run states one: options `stale_bound_indices`, `stale_bound_s`. Without one, no bound was
exercised, whatever stale reads showed. A time counts only if the harness itself ran (`checkers.run.stalls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.lacking import lacks
from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.claims import NOTHING, SNAPSHOT, UNPLACED
from checkers.registry.versions import STALE, Versions
from checkers.run.stalls import Stalls
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import by_and_at, plural, seconds, who_answered
from history import NEMESIS, History, Recording
from history.history import OK
from history.units import SECOND_NS

Integers = npt.NDArray[np.int64]


class Lags(NamedTuple):
    """By stale read: the position of its completion, and how old its state was."""

    completed: Integers
    indices: Integers
    nanoseconds: Integers


@dataclass(frozen=True)
class BoundedStaleness:
    """Judges what stale reads show, and measures how old it was."""

    name: str = "bounded-staleness"

    def check(self, recording: Recording) -> Verdict:
        """Compare each stale read with the log, and its age with the bounds."""
        history, options = recording.history, recording.options
        lags = lags_of(history)
        evidence = list(_untrue(history, Versions(recording)))
        stalls, doubts = Stalls.of(recording), list[str]()
        bounds = (
            ("stale_bound_indices", lags.indices, 1, "indices"),
            ("stale_bound_s", lags.nanoseconds, SECOND_NS, "s"),
        )
        for option, lag, unit, name in bounds:
            bound = options.get(option)
            if isinstance(bound, int | float):
                for place in np.flatnonzero(lag > bound * unit).tolist():
                    end = int(lags.completed[place])
                    begun = history[int(history.pairs[end])].time
                    if unit == SECOND_NS and not stalls.ran_longer_than(
                        int(bound * unit), begun - int(lag[place]), begun
                    ):
                        doubts.append(
                            f"a state of operation {history.number(end)} was {lag[place] / unit:.3f} s old, "
                            f"but {stalls.in_words(begun - int(lag[place]), begun)}"
                        )
                        continue
                    text = (
                        f"Operation {history.number(end)} ({history[end].f}), answered by "
                        f"{history[end].node} at "
                        f"{history[end].time / SECOND_NS:.3f} s, showed a state that was "
                        f"{int(lag[place]) / unit:g} {name} old; the bound is {bound:g}."
                    )
                    evidence.append(
                        Evidence(
                            f"{who_answered(history[end])} answered a stale read at "
                            f"{seconds(history[end].time)} with a state that was "
                            f"{int(lag[place]) / unit:g} {name} old",
                            text,
                            (history.number(end),),
                            kind="staler than promised",
                        )
                    )
        measured = {
            "indices": distribution(lags.indices),
            "seconds": distribution(lags.nanoseconds, SECOND_NS),
        }
        bounded = [option for option, *_ in bounds if option in options]
        mark: Mark
        if evidence:
            mark, summary = (
                Validity.INVALID,
                f"{plural(len(evidence), 'stale read is', 'stale reads are')} wrong; "
                f"for example: {evidence[0].text}",
            )
        elif doubts:
            mark, summary = Validity.UNKNOWN, f"{plural(len(doubts), 'doubt')}; for example: {doubts[0]}"
        elif not len(lags.completed) and lacks(recording, "indices"):
            mark, summary = Unjudged.NOT_APPLICABLE, "the replies of this system name no index"
        elif not len(lags.completed):
            mark, summary = Unjudged.NOT_EXERCISED, "no stale read was answered with an index"
        else:
            mark = Validity.VALID if bounded else Unjudged.NOT_EXERCISED
            summary = (
                f"{plural(len(lags.completed), 'stale read')} showed states that the log once had; "
                f"the oldest was {plural(int(lags.indices.max()), 'index', 'indices')} and "
                f"{seconds(int(lags.nanoseconds.max()))} behind"
            )
            summary += "" if bounded else "; the run states no bound on that"
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={"stale_reads": len(lags.completed), "behind": measured},
            caveats=()
            if bounded
            else ("the run states no bound, so the age of stale reads was measured and not judged",),
        )


def lags_of(history: History) -> Lags:
    """How old the state in each answered stale read was, at least."""
    columns = history.columns
    answered = (columns.type == OK) & (columns.process != NEMESIS)
    stale = np.isin(columns.f, [columns.f_code(f) for f in STALE])
    ends = np.flatnonzero(answered & stale & (columns.raft_index >= 0))
    highest = np.maximum.accumulate(np.where(answered, columns.raft_index, -1)) if len(columns.time) else ends
    begun = history.pairs[ends]
    known = np.where(begun > 0, highest[begun - 1], -1) if len(ends) else ends
    index = columns.raft_index[ends]
    overtaken = np.searchsorted(highest, index, side="right")  # the first reply with a higher index
    behind = known > index
    age = columns.time[begun] - columns.time[np.where(behind, overtaken, 0)]
    return Lags(ends, np.maximum(known - index, 0), np.where(behind, age, 0))


def distribution(lags: Integers, unit: int = 1) -> dict[str, Any]:
    """Median, 90th and 99th percentile and maximum, and how many reads were not behind."""
    if not len(lags):
        return {}
    points = np.percentile(lags, [50, 90, 99], method="higher")
    named = zip(("p50", "p90", "p99"), (points / unit).tolist(), strict=True)
    return {**dict(named), "max": int(lags.max()) / unit, "not_behind": int((lags == 0).sum())}


def _untrue(history: History, versions: Versions) -> Iterator[Evidence]:
    """Stale reads that show something else than the log held at the index that they name."""
    claims, columns = versions.claims, history.columns
    codes = [columns.f_code(f) for f in STALE]
    shown: dict[int, dict[int, int]] = {}
    entries = claims.listings
    for entry in range(len(entries.claim)):
        shown.setdefault(int(entries.claim[entry]), {})[int(entries.key[entry])] = int(entries.value[entry])
    stale = claims.answered & (claims.index != UNPLACED)
    stale[stale] = np.isin(columns.f[claims.completed[stale]], codes)
    for claim in np.flatnonzero(stale).tolist():
        if int(claims.service[claim]) in claims.unreadable:
            continue
        if claims.effect[claim] == SNAPSHOT:
            listing = shown.get(claim, {})
            keys = versions.keys_of_service.get(int(claims.service[claim]), [])
            asked = {key: listing.get(key, NOTHING) for key in keys}
        else:
            asked = {int(claims.key[claim]): int(claims.value[claim])}
        index = int(claims.index[claim])
        for key, value in asked.items():
            held = versions.at(key, index)
            if held == value or key in versions.uncertain:
                continue
            begun, end = int(claims.invoked[claim]), int(claims.completed[claim])
            what = f"{claims.value_in_words(value)} at {claims.keys[key]}"
            ever = "" if versions.was_ever(key, value) else "; it never held that"
            text = (
                f"Operation {begun} ({history[end].f}), "
                f"answered{by_and_at(history[end])}, showed {what} at index {index}, where the key held "
                f"{claims.value_in_words(held)}{ever}."
            )
            title = (
                f"{who_answered(history[end])} answered a stale read at {seconds(history[end].time)} "
                "with a state that the log never had"
            )
            yield Evidence(title, text, (begun,), kind="a stale read of a state that never was")
            break
