"""Linearizability of any history whose data type has a model, key by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import BY_SIZE, NEVER, Answer, Budget, Result
from checkers.linearizability.by_rule.deciding import Refuted, by_rule, replays, replays_texts
from checkers.linearizability.evidence import as_evidence, where_in_words
from checkers.linearizability.part import HistoryParts, Part, keys_of, parts, parts_in_turn
from checkers.linearizability.tally import NONE_PROVED, Proved, Tally
from checkers.models.initial import OPTION, has_initial, initial_in_words, other_initials
from checkers.models.model import (
    IllegalCall,
    Model,
    is_scalar,
    is_sourced,
    is_text,
)
from checkers.models.set import Set
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural
from history import NEMESIS, History, Recording
from history.history import OK

if TYPE_CHECKING:
    from checkers.linearizability.distinct_values.distinct import Distinct
    from checkers.linearizability.engine import Engine
    from checkers.linearizability.impossible import Impossible
    from checkers.linearizability.search.results import Results

AT_FIRST, AT_FIRST_AN_OPERATION = 500, 2
"""The configurations of the first pass over all keys, for each key and for each operation of the longest one.
That writes an order down where little has to be tried. Keys that take more are looked at for replies that
name what was never there, and then searched."""
QUICK_CONFIGURATIONS = 20_000
"""The budget of the first search of each key; only keys that need more are looked at more closely."""
DIRECTLY = 10
"""What finding a small part of a key without a search costs for each operation of the key."""


@dataclass(frozen=True)
class LinearizabilityOf:
    """Looks, for each key, for an order that explains every reply; sets and queues are tried without a
    search.

    A key that exceeds its budget is `unknown`; one key without an order makes the whole `invalid`.
    """

    model: Model
    budget: Budget = BY_SIZE
    name: str = "linearizability"
    initial_is_stated: bool = True
    """Whether the model's initial value is a fact; else it is an assumption, which may be wrong."""

    def check(self, recording: Recording) -> Verdict:
        """Judge every key of the history; `unknown` if `judge` refuses it."""
        return checked(self, recording)

    def judge(self, recording: Recording, proved: Proved = NONE_PROVED) -> Verdict:
        """Judge every key of the history.

        If the initial value is assumed, and another one would explain the history, the verdict is `unknown`.

        Args:
            proved: the keys that were judged elsewhere (`proved`), which are not judged once more.

        Raises:
            IllegalOperation: an operation is none of the model's.
        """
        verdict, tally = self._judged(recording, proved)
        is_sure = self.initial_is_stated or not has_initial(self.model)
        if verdict.validity is not Validity.INVALID or is_sure or tally.first_bad is None:
            return verdict
        return self._unless_otherwise_begun(recording, verdict, tally.first_bad)

    def answer(self, recording: Recording) -> Validity:
        """The validity that `judge` gives, without evidence. It is known with the first key without an order.

        What has no order by a rule of `distinct_values` is not searched once more, as no evidence is shown.

        Raises:
            IllegalOperation: an operation that was looked at is none of the model's.
        """
        verdict, _ = self._judged(recording, NONE_PROVED, is_to_explain=False)
        assumes = not self.initial_is_stated and has_initial(self.model)
        if verdict.validity is Validity.INVALID and assumes:
            return self.judge(recording).validity  # which initial values explain the history is to be found
        return verdict.validity

    def proved(self, history: History) -> Proved:
        """All keys of a history, if each has an order; else none: what is wrong is found and explained where
        the whole history is.

        Raises:
            IllegalOperation: an operation is none of the model's.
        """
        verdict, tally = self._judged(Recording(nodes=(), history=history), NONE_PROVED)
        if verdict.mark is not Validity.VALID:
            return NONE_PROVED
        keys = frozenset(keys_of(history))
        return Proved(keys, tally.operations, tally.without_search, tally.most_configurations)

    def _unless_otherwise_begun(self, recording: Recording, verdict: Verdict, bad: Part) -> Verdict:
        """The verdict, or `unknown` if the history may have an order from another initial value."""
        from checkers.linearizability.engine import Engine

        used = [bad.calls[kind] for kind in np.unique(bad.kinds).tolist()]
        for value, model in other_initials(self.model, used):
            if Engine(model).decide(bad, self.budget).answer is Answer.NOT_LINEARIZABLE:
                continue
            other = replace(self, model=model, initial_is_stated=True).check(recording)
            if other.validity is Validity.INVALID:
                continue
            assumed = initial_in_words(self.model)
            may = "is" if other.validity is Validity.VALID else "may be"
            text = (
                f"If every key holds {assumed} at first, the history is not linearizable; if it holds "
                f"{value}, the history {may} linearizable. State which is true: --option {OPTION}={value} or "
                f"--option {OPTION}={assumed}."
            )
            shown = Evidence("the initial value decides, and nothing states it", text)
            return msgspec.structs.replace(
                verdict, validity=Validity.UNKNOWN, summary=text, evidence=(shown, *verdict.evidence)
            )
        return verdict

    def _judged(
        self, recording: Recording, proved: Proved, *, is_to_explain: bool = True
    ) -> tuple[Verdict, Tally]:
        # Imported here, since a process with a checker may never search.
        from checkers.linearizability.distinct_values.distinct import decided

        history = recording.history
        budget = self.budget.for_operations(len(history) // 2)
        if budget is not self.budget:
            return replace(self, budget=budget)._judged(recording, proved, is_to_explain=is_to_explain)
        tally = Tally.of(history, proved, is_to_explain=is_to_explain)
        answered = _has_a_reply(history)
        unsure = {*keys_of(history)} - proved.keys if proved.keys else None
        if answered and unsure != set():
            left = self._search_at_once(history, tally, unsure)
            unsure = unsure if left is None else left
        if unsure is not None and not unsure:
            return self._verdict(tally), tally
        distinct = decided(history, self.model, self.budget, unsure) if answered else None
        if distinct is None:
            self._search(history, tally, unsure)
        else:
            self._take(distinct, tally)
            if distinct.left.any() and not tally.is_decided:
                left = {key for key, left in zip(distinct.keys, distinct.left, strict=True) if left}
                self._search(history, tally, left)
        return self._verdict(tally), tally

    def _search_at_once(
        self, history: History, tally: Tally, only: set[str | None] | None
    ) -> set[str | None] | None:
        """Search all sets that are bits of a number, and count those with an order.

        The other keys are the result; None if there are no such sets.

        Args:
            only: the keys that are wanted; None for all.
        """
        from checkers.linearizability.engine import Engine

        if not isinstance(self.model, Set):
            return None
        found = parts(history)
        if only is not None:
            found = found.of([place for place, key in enumerate(found.keys) if key in only])
        engine = Engine(self.model)
        tally.at_once = found, engine
        results = engine.decide_packed(found, _at_first(self.budget, found))
        if results is None:
            return None
        if not tally.is_to_explain and results.has_refuted:
            tally.bad += 1
            return set()
        left = results.not_linearizable()
        tally.keys += len(found) - len(left)
        lengths = np.diff(found.starts)
        tally.operations += int(lengths.sum() - lengths[left].sum())
        tally.most_configurations = max(tally.most_configurations, results.most_configurations)
        return {found.keys[place] for place in left}

    def _take(self, distinct: Distinct, tally: Tally) -> None:
        """Take over the keys that were decided without a search; a small part of a bad key is searched."""
        from checkers.linearizability.impossible import Effort

        decided = int((~distinct.left).sum())
        tally.without_search += decided
        tally.keys += decided
        tally.operations += int(distinct.operations[~distinct.left].sum())
        if not tally.is_to_explain:
            tally.bad += int(distinct.impossible.sum())
            return
        for key in np.flatnonzero(distinct.impossible).tolist():
            tally.effort = tally.effort or Effort()
            if tally.bad >= MOST_EVIDENCE or (tally.bad and not tally.effort.is_enough_for_more):
                tally.bad += 1
                continue
            small = distinct.small(key)
            tally.effort.spend(DIRECTLY * int(distinct.operations[key]), 0)
            where = where_in_words(distinct.keys[key]) + (f" as to {small.alone}" if small.alone else "")
            self._show(where, small.part, tally, sure=True, search=small.simple)

    def _search(self, history: History, tally: Tally, only: set[str | None] | None) -> None:
        """Search for an order of all keys, or only of those in `only`."""
        from checkers.linearizability.engine import Engine

        try:
            if tally.at_once is not None:
                found, engine = tally.at_once
                wanted = [place for place, key in enumerate(found.keys) if only is None or key in only]
                self._search_among(found.of(wanted), engine, tally)
                return
            for found in parts_in_turn(history, only):
                self._search_among(found, Engine(self.model), tally)
                if tally.is_decided:
                    return
        except IllegalCall:
            raise _refusal(parts(history), self.model) from None

    def _search_among(self, found: HistoryParts, engine: Engine, tally: Tally) -> None:
        """Search for an order of these keys: at first with a small budget."""
        from checkers.linearizability.never_written import never_written

        quick = self.budget.of_configurations(QUICK_CONFIGURATIONS)
        looks_first = is_sourced(self.model) and not (
            engine.packing and engine.packing.has_few_orders(found.calls)
        )
        if looks_first:
            # States of many parts are many: here even a quick search takes longer than to look for these.
            if engine.packing is None or engine.packing.entries(found.calls) is None:
                for call in found.calls:
                    self.model.step(self.model.initial, call)  # refuses what the data type lacks
            early = never_written(found, self.model, engine.packing, is_one_enough=not tally.is_to_explain)
            for place, reply in early.items():
                tally.add_without_source(found[place], reply)
            found = found.of([place for place in range(len(found)) if place not in early])
            if not len(found) or tally.is_decided:
                return
        results = self._searched(engine, found, quick, tally, looked=looks_first)
        if not tally.is_to_explain and results.has_refuted:
            tally.bad += 1
            return
        places = results.not_linearizable()
        if not engine.exact:
            places = sorted({*places, *_not_replayed(self.model, found, results)})
        if not places:
            self._count_all(found, results, tally)
            return
        # The small ones first: if the time is over then, the smallest undecided key is named.
        lengths = np.diff(found.starts).tolist()
        places.sort(key=lambda place: (lengths[place], place))
        shown = self._to_be_looked_at(places, results)
        without_source = {}
        if shown and not looks_first:
            hard = never_written(found.of(shown), self.model, coded=engine.coded(found))
            without_source = {shown[place]: reply for place, reply in hard.items()}
        self._count_all(found, results, tally)
        tally.keys -= len(without_source)
        tally.operations -= sum(lengths[place] for place in without_source)
        for place in places:
            if place in without_source:
                tally.add_without_source(found[place], without_source[place])
        left = {*shown} - {*without_source}
        for place in places:
            if place not in left or tally.is_decided:
                continue
            part, result = found[place], results[place]
            if result.answer is Answer.GAVE_UP and quick != self.budget:
                result = self._decided(engine, part, result)
            self._judge_part(part, confirmed(engine, part, self.budget, result), tally)
        tally.bad += len(places) - len(shown)

    def _searched(
        self, engine: Engine, found: HistoryParts, quick: Budget, tally: Tally, *, looked: bool
    ) -> Results:
        """What a pass over all keys finds, and then a quick search of those that are harder.

        A hard key is not searched before it was looked at for a reply that names what was never there, and no
        hard key keeps an easy one waiting that has no order.

        Args:
            looked: whether the keys were looked at already.
        """
        from checkers.linearizability.never_written import never_written

        is_one_enough = not tally.is_to_explain
        results = engine.decide_all(found, _at_first(quick, found), is_one_enough=is_one_enough)
        if is_one_enough and results.has_refuted:
            return results
        hard = results.given_up()
        if hard and not looked:
            coded = engine.coded(found)
            few = found.of(hard)
            for place in never_written(few, self.model, engine.packing, coded, is_one_enough=is_one_enough):
                results.refute(hard[place])
        for place in results.given_up():
            if is_one_enough and results.has_refuted:
                return results
            self._decide_by_rule(found[place], place, results, tally)
        hard = results.given_up()
        has_options = bool((found.completed == NEVER).any())
        for engine.options_first in (True, False) if has_options else (False,):
            if hard and not (is_one_enough and results.has_refuted):
                results.take(hard, engine.decide_all(found.of(hard), quick, is_one_enough=is_one_enough))
                hard = results.given_up()
        return results

    def _decide_by_rule(self, part: Part, place: int, results: Results, tally: Tally) -> None:
        """Take what a rule says about a hard key, if it says something."""
        found = by_rule(self.model, part, self.budget)
        if isinstance(found, Refuted):
            tally.by_rule[part.key] = found
            results.refute(place)
        elif found is not None:
            results.put(place, found)

    def _decided(self, engine: Engine, part: Part, quick: Result) -> Result:
        """What a long search finds: a part of it begins with operations of unknown outcome.

        If none finds an answer, the order is the longest one that any search came to, the quick one included.
        """
        tried = [quick]
        if (part.completed == NEVER).any():
            engine.options_first = True
            tried.append(engine.decide(part, self.budget.of_configurations(self.budget.configurations // 10)))
            engine.options_first = False
        if tried[-1].answer is Answer.GAVE_UP:
            tried.append(engine.decide(part, self.budget))
        if tried[-1].answer is not Answer.GAVE_UP:
            return tried[-1]
        return replace(tried[-1], order=max((one.order for one in tried), key=len))

    def _count_all(self, found: HistoryParts, results: Results, tally: Tally) -> None:
        """Count all keys that were searched."""
        tally.keys += len(found)
        tally.operations += len(found.kinds)
        tally.most_configurations = max(tally.most_configurations, results.most_configurations)

    def _to_be_looked_at(self, places: Sequence[int], results: Sequence[Result]) -> list[int]:
        """The places, in ascending order, of the keys to be explained, and of those that are not decided.

        A key that the search refuted is only counted where enough others are explained.
        """
        refuted = [place for place in places if results[place].answer is Answer.NOT_LINEARIZABLE]
        return sorted({*places} - {*refuted[MOST_EVIDENCE:]})

    def _judge_part(self, part: Part, result: Result, tally: Tally) -> None:
        """Count a key whose first search found no order."""
        tally.most_configurations = max(tally.most_configurations, result.configurations)
        if result.answer is Answer.NOT_LINEARIZABLE and not tally.is_to_explain:
            tally.bad += 1
        elif part.key in tally.by_rule:
            few = tally.by_rule[part.key].fewest()
            self._show(f"{where_in_words(part.key)} as to {few.alone}", few.part, tally, sure=True)
        elif result.answer is Answer.NOT_LINEARIZABLE:
            self._show(where_in_words(part.key), part, tally, order=result.order)
        elif result.answer is Answer.GAVE_UP:
            tally.doubts.append(
                f"{where_in_words(part.key)}: no answer within {result.why}; the longest order found has "
                f"{len(result.order)} of {len(part)} operations"
            )

    def _show(
        self,
        where: str,
        part: Part,
        tally: Tally,
        *,
        sure: bool = False,
        search: bool = True,
        order: Sequence[int] | None = None,
    ) -> None:
        """Explain a part without an order; this confirms it. If that takes too long, it counts only if
        `sure`. Where enough was explained, only its first inexplicable reply is named."""
        from checkers.linearizability.engine import Engine
        from checkers.linearizability.impossible import Effort, explain, named, unexplained

        tally.effort = tally.effort or Effort()
        if tally.bad >= MOST_EVIDENCE or (tally.bad and order is not None and tally.effort.is_spent):
            tally.bad += 1
            return
        impossible: Impossible | None
        if order is not None and tally.bad and not tally.effort.is_enough_for_more:
            impossible = named(Engine(self.model), part, self.budget, tally.effort, order)
        elif search:
            impossible = explain(self.model, part, self.budget, tally.effort, order)
        else:
            impossible = unexplained(part)
        if impossible is None:
            if not sure:
                tally.doubts.append(f"{where}: found impossible, but the exact search ran out of its budget")
                return
            if Engine(self.model, exact=True).decide(part, self.budget).answer is Answer.LINEARIZABLE:
                tally.doubts.append(f"{where}: found impossible, but the search found an order")
                return
            impossible = unexplained(part)
        tally.bad += 1
        if tally.bad == 1 and not impossible.from_any_state:
            tally.first_bad = impossible.part
        if len(tally.evidence) < MOST_EVIDENCE:
            tally.evidence.append(as_evidence(where, impossible, tally.history))

    def _verdict(self, tally: Tally) -> Verdict:
        doubts, keys = tally.doubts, tally.keys
        evidence = tally.evidence + [
            Evidence(title="linearizability was not judged", text=doubt) for doubt in doubts[:MOST_EVIDENCE]
        ]
        mark: Mark
        if tally.bad:
            mark = Validity.INVALID
            verb = "is" if tally.bad == 1 else "are"
            summary = (
                f"{tally.bad} of {keys} keys {verb} not linearizable" if keys > 1 else "not linearizable"
            )
        elif doubts:
            mark, summary = (
                Validity.UNKNOWN,
                f"{plural(len(doubts), 'reason')} why this is not known; for example: {doubts[0]}",
            )
        elif not _has_a_reply(tally.history):
            mark, summary = Unjudged.NOT_EXERCISED, "no operation completed, so there is no reply to explain"
        else:
            mark = Validity.VALID
            summary = (
                f"{plural(tally.operations, 'operation')} on {plural(keys, 'key')}: "
                "an order of them explains every reply"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence),
            measures={
                "model": self.model.name,
                "keys": keys,
                "keys_decided_without_search": tally.without_search,
                "keys_not_linearizable": tally.bad,
                "keys_not_judged": len(doubts),
                "operations": tally.operations,
                "most_configurations_for_a_key": tally.most_configurations,
            },
            caveats=(
                f"the initial state is {'stated' if self.initial_is_stated else 'assumed'} to be "
                f"{initial_in_words(self.model)}",
            ),
        )


def _at_first(budget: Budget, found: HistoryParts) -> Budget:
    """The budget of the first pass over these keys."""
    return budget.of_configurations(AT_FIRST + AT_FIRST_AN_OPERATION * found.longest)


def _has_a_reply(history: History) -> bool:
    """Whether an operation of a client ended `ok`; without a reply, there is nothing to explain."""
    columns = history.columns
    return bool(((columns.type == OK) & (columns.process != NEMESIS)).any())


def _refusal(found: HistoryParts, model: Model) -> IllegalOperation:
    """The first operation that the model refuses, and why."""
    refused: dict[int, str] = {}
    for kind, call in enumerate(found.calls):
        try:
            _ = model.effect(call) if is_scalar(model) else model.step(model.initial, call)
        except IllegalCall as refusal:
            known = ", ".join(sorted(model.functions))
            rule = str(refusal) if call.f in model.functions else f"{refusal}; {model.name} has {known}"
            refused[kind] = rule
    rows = np.flatnonzero(np.isin(found.kinds, list(refused)))
    row = rows[np.argmin(found.invoked[rows])]
    return IllegalOperation(int(found.invoked[row]), refused[int(found.kinds[row])])


def _not_replayed(model: Model, found: HistoryParts, results: Sequence[Result]) -> list[int]:
    """The parts of texts whose order, on the real values, does not explain the replies."""
    assert is_text(model), "numbers stand for the states of all other models"
    calls, starts, bad = list(found.calls), found.starts.tolist(), []
    for place, result in enumerate(results):
        if result.answer is Answer.LINEARIZABLE:
            kinds = found.kinds[starts[place] + np.asarray(result.order, dtype=np.int64)].tolist()
            if not replays_texts(model, map(calls.__getitem__, kinds)):
                bad.append(place)
    return bad


def confirmed(engine: Engine, part: Part, budget: Budget, searched: Result | None = None) -> Result:
    """Search for an order, and replay the order found on the real values, so that a valid verdict is a proof.

    If the replay fails (two texts have the same fingerprint: see `engine`), the exact search decides. Where
    `searched` has a result already, it is used instead of a search. Otherwise the data type's rule is asked
    before a search that takes long.
    """
    result = _found(engine, part, budget) if searched is None else searched
    if result.answer is not Answer.LINEARIZABLE:
        return result
    if engine.exact or replays(engine.model, part, result.order):
        return result
    return type(engine)(engine.model, exact=True).decide(part, budget)


def _found(engine: Engine, part: Part, budget: Budget) -> Result:
    """What a short search finds, or else a rule, or else a long search."""
    short = budget.of_configurations(AT_FIRST + AT_FIRST_AN_OPERATION * len(part))
    result = engine.decide(part, short)
    if result.answer is not Answer.GAVE_UP or short == budget:
        return result
    ruled = by_rule(engine.model, part, budget)
    if isinstance(ruled, Refuted):
        return Result(Answer.NOT_LINEARIZABLE, result.configurations, ())
    return ruled or engine.decide(part, budget)
