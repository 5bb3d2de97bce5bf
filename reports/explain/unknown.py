"""Why a run shows neither that the system is right nor that it is wrong, and which option would show it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from checkers.check_all import decisive
from checkers.explanation import Explanation
from checkers.verdict import Unjudged, Validity, Verdict
from checkers.words import plural
from history.recording import ENDED_EARLY
from reports.explain.scene import Scene
from reports.text import shorten

LONGEST = 420
MOST_NAMED = 3
CHANGED = re.compile(r"sealed, and (?!unchanged)")
"""The first words of the seal of a run whose evidence is not what the run left."""
NOT_SEALED = "not sealed"
"""The first words of the seal of a run that did not come to its end (harness/run/seal.py)."""

NOTHING_WORKED = re.compile(r"no operation of a client (ever )?succeeded")
TRY_THE_CLIENT = (
    "nothing shows that the clients work: try them on one node by ackproof systems check, or in a run with "
    "--nemesis none"
)
"""The one advice where no operation ever succeeded: more time, or more writes, would not help."""

ADVICE: Mapping[str, str] = {
    r"needs at least|was acknowledged, so none had": "let it write more: a longer --time-limit, or --rate",
    r"operation succeeded|no client's operation": (
        "leave time without a fault: a longer --time-limit, or fewer faults in --nemesis"
    ),
    r"met a leader|no node became leader|led a later term|met no node": (
        "let the fault meet a leader, and another lead after it: a longer --time-limit, or --fault-seconds"
    ),
    r"never had a turn": "let each fault have its turn: a longer --time-limit",
    r"no message was lost|never took effect|known to have taken effect|change of the members": (
        "let the fault take effect: a longer --time-limit, --fault-seconds, or another --world"
    ),
    r"wrote no trace": "have every node write its trace (docs/trace-format.md)",
    r"has a gap|may lack|lack lines|was not seen": (
        "keep the traces whole, which a lost host, a killed harness or a full disk cuts: run it again"
    ),
    r"configurations|budget": "let the search take more steps: --configurations of ackproof check",
    r"MiB|memory": "give it more memory: --memory-mib of ackproof check",
    r"time that was given": "give it more time: --seconds of ackproof check",
    r"the checker itself failed": "report this as a defect of Ackproof, with the folder of the run",
    r"no operation completed": "have operations that complete: a longer --time-limit of what records them",
    r"final (list|read|heal)": "let the run come to its end, with its final heal and reads",
}
"""By what a verdict says: what was missing, and the option that gives it."""
SOMETHING_TO_JUDGE = "give it what it looks at: another --workload or --nemesis, or a longer --time-limit"
"""The advice where a checker had nothing to look at, and nothing more exact is known."""
NOT_EXERCISED: Mapping[str, str] = {
    "snapshot-safety": "have nodes take snapshots: a lower --snapshot-entries, or a longer --time-limit",
    "membership": "change the members: --nemesis membership",
    "durable-log": "restart nodes: --nemesis kill",
    "leader-completeness": "let another node lead: --nemesis kill:leader or partition:isolate-leader",
    "committed-never-truncated": "let another node lead: --nemesis kill:leader or partition:isolate-leader",
    "expiry": "let instances expire: a longer --time-limit",
}
"""By checker that had nothing to look at: what gives it something."""


def unknown(
    scene: Scene, verdicts: Sequence[Verdict], required: Collection[str], seal: str = ""
) -> Explanation:
    """Explain an unknown verdict.

    Args:
        seal: what the seal of the run's folder shows, in words.
    """
    against = decisive(verdicts, required)
    first = against[0] if against else None
    place = 0 if first is not None and first.evidence else None
    missing = _together([one for verdict in against for one in _missing(verdict)])
    lacking = sorted(set(required) - {verdict.checker for verdict in verdicts})
    if CHANGED.match(seal):
        missing.insert(0, "the run's files, as it left them: bring them back from a copy, or run it again")
    if lacking:
        missing.append(f"required checkers that did not judge the run: {', '.join(lacking)}")
    return Explanation(
        validity=Validity.UNKNOWN,
        headline=shorten(_sentence(scene, first, seal), LONGEST),
        cause="" if first is None else first.checker,
        evidence=place,
        apart=tuple(verdict.checker for verdict in against[1:]),
        more=max(len(against) - 1, 0),
        missing=tuple(dict.fromkeys(missing)),
    )


def _sentence(scene: Scene, first: Verdict | None, seal: str) -> str:
    early = scene.recording.options.get(ENDED_EARLY)
    at = scene.at(scene.end) if len(scene.recording.history) else ""
    if early is not None:
        return f"The harness ended the run early{at}, so nothing is proved: {early}"
    doubt = "" if first is None else f"{_doubt(first)}"
    if seal.startswith(NOT_SEALED):
        last = f"the last that was recorded is{at}" if at else "nothing was recorded"
        return f"The harness ended before the run did: {last}; {doubt or 'no checker judged it'}"
    if CHANGED.match(seal):
        return f"The evidence is not what the run left ({seal}), so nothing is proved by it"
    return doubt or "No checker judged this run"


def _doubt(verdict: Verdict) -> str:
    """What one checker could not decide."""
    if verdict.unjudged is Unjudged.NOT_EXERCISED:
        return f"{verdict.checker} was not exercised, and the run requires it: {verdict.summary}"
    if verdict.unjudged is not None:
        return f"{verdict.checker} {verdict.unjudged}, and the run requires it: {verdict.summary}"
    return f"{verdict.checker} could not decide: {verdict.summary}"


def _together(found: Sequence[tuple[str, str]]) -> list[str]:
    """Each advice once, after the checkers that need it."""
    by_advice: dict[str, list[str]] = {}
    for checker, advice in found:
        by_advice.setdefault(advice, []).append(checker)
    return [f"{_listed(names)}: {advice}" for advice, names in by_advice.items()]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {plural(len(names) - MOST_NAMED, 'other')}"


def _missing(verdict: Verdict) -> list[tuple[str, str]]:
    """The checker, and what would let it decide, as far as it is known."""
    if verdict.unjudged is Unjudged.NOT_EXERCISED:
        given = NOT_EXERCISED.get(verdict.checker)
        if given is not None:
            return [(verdict.checker, given)]
    texts = [verdict.summary, *(f"{one.title} {one.text}" for one in verdict.evidence[:5])]
    if any(NOTHING_WORKED.search(text) for text in texts):
        return [(verdict.checker, TRY_THE_CLIENT)]
    found = [advice for pattern, advice in ADVICE.items() if any(re.search(pattern, text) for text in texts)]
    if not found and verdict.unjudged is Unjudged.NOT_EXERCISED:
        found = [SOMETHING_TO_JUDGE]
    return [(verdict.checker, advice) for advice in found[:2]]
