"""The report that a person reads: one HTML file that needs nothing else and begins with what matters most.

Everything that comes from a recording is escaped, by Jinja's autoescape in the page and by
`reports.svg.element` in the charts. A content security policy in the page names the one style sheet and
the two scripts by their hashes and forbids all else, so that even with a mistake in the escaping nothing
could be fetched or run. The page is complete without its scripts, which add charts to zoom, tooltips and
conveniences; most of them run after the first paint.

The same input gives the same bytes; no clock is read.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup, escape

from checkers.check_all import decisive
from checkers.explanation import Explanation, StoryLine
from checkers.verdict import EventRef, Evidence, Validity, Verdict
from history import Recording, TraceEvent
from history.recording import VIRTUAL_TIME
from history.units import SECOND_NS
from reports import text
from reports.about import (
    SYMBOLS,
    ReportAbout,
    StoredFile,
    folded,
    follows_in_words,
    gravest_first,
    headline,
    may_follow_from,
)
from reports.counts.figures import key_figures, lag
from reports.counts.outages import SHORTEST_NS, outages
from reports.counts.tables import by_fault, by_operation
from reports.excerpt import Excerpt, excerpt
from reports.faults import FaultPeriod, fault_periods, nemesis_rows
from reports.glossary.linking import Linker, anchor, meaning
from reports.moment.graph import partition_graph
from reports.moment.lines import node_lines
from reports.moment.partitions import Partition, partitions
from reports.plots.cycle import cycle
from reports.plots.frame import Frame, Plot
from reports.plots.lines import lines_plot
from reports.plots.live import chart_data
from reports.plots.measured.lag import lag_charts, lag_plot
from reports.plots.measured.latency import latency_plot
from reports.plots.measured.progress import progress_charts
from reports.plots.measured.resources import resource_charts, resources_plot
from reports.plots.measured.throughput import throughput_plot
from reports.plots.picture.chosen import chosen_scene
from reports.plots.picture.drawing import picture
from reports.plots.picture.logs import LogTable, log_table
from reports.plots.picture.mermaid import mermaid
from reports.plots.roles import roles_plot
from reports.plots.timeline import label, timeline_plot
from reports.roles import RoleLanes, TraceMarks, role_lanes
from reports.spans import Span, Spans, end_of_run
from reports.templating import environment

TEMPLATES = Path(__file__).with_name("templates")

MAX_EVIDENCE = 30
"""The largest number of pieces of evidence shown for one checker."""
OPEN_EVIDENCE = 3
"""The number of pieces of evidence before the rest is folded."""
MAX_TIMELINES_EACH = 6
MAX_TIMELINES = 24
SHARED = 3
"""The number of checkers from which on a caveat is shown once for all of them."""
MAX_MEASURES = 120
MAX_EVENTS = 40
MAX_NEMESIS_ROWS = 500
MAX_PARTITIONS = 40
"""The largest number of states of the links that are drawn."""
LONG_TEXT = 700
"""Characters of evidence above which the text is folded."""
LONGEST_TEXT = 20_000

_OPERATION = re.compile(r"\boperations? (\d+)\b", re.IGNORECASE)


def render(recording: Recording, verdicts: Sequence[Verdict], about: ReportAbout) -> str:
    """The whole page as text; write it as UTF-8. Its size is bounded, however long the history is.

    It never raises on a legal recording: the page names what is missing where it would stand.
    """
    answer = headline(verdicts, about.validity, about.required, about.explanation)
    linked = Linker(explained=[verdict.checker for verdict in verdicts])
    body = _body(recording, verdicts, about, linked)
    style = Markup("\n").join(map(_asset, ("report.css", "uplot.css")))
    script = Markup("\n").join(map(_asset, ("theme.js", "start.js")))
    after_paint = Markup("\n").join(
        (_licence(), *map(_asset, ("uplot.js", "report.js", "pictures.js", "charts.js")))
    )
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            about=about,
            headline=answer,
            body=Markup(body),  # noqa: S704 - Jinja has escaped it
            terms=linked.terms_of_page(body),
            anchor=anchor,
            meaning=meaning,
            checker_count=len(verdicts),
            history_length=len(recording.history),
            style=style,
            script=script,
            after_paint=after_paint,
            policy=_policy(style, script, after_paint),
            icon=_icon(answer.validity),
        )
    )


def _body(recording: Recording, verdicts: Sequence[Verdict], about: ReportAbout, linked: Linker) -> str:
    """The page from its banner to its last section but the words, which depend on it."""
    spans = Spans.of(recording.history)
    nemesis = spans.nemesis()
    lag_times = max((time for time, _ in recording.harness_lag), default=0)
    end = end_of_run(recording.history, lag_times, int(about.duration_s * SECOND_NS))
    periods = fault_periods(nemesis, end, recording.fault_kinds)
    marks = TraceMarks(recording)
    lanes = role_lanes(recording, marks, periods, end)
    run_lag = lag(recording)
    apart, alike = folded(gravest_first(verdicts, about.required, about.explanation))
    checkers, timelines, undrawn = _checkers(apart, spans, periods, marks)
    further = _further(about.explanation, timelines, spans)
    invalid = [checker for checker in checkers if checker.verdict.validity is Validity.INVALID]
    causes = [checker for checker in invalid if not checker.may_follow_from]
    consequences = [checker for checker in invalid if checker.may_follow_from] if causes else []
    first = _first_picture(apart, about.explanation, recording, spans, marks, lanes, periods)
    violation = None if first is None else first.at
    frame = Frame(end=end, periods=tuple(periods), violation=violation)
    used = dict(recording.resources)
    if recording.harness_use:
        used["the harness"] = recording.harness_use
    progress = progress_charts(recording, marks, end)
    lines = [
        *progress,
        *resource_charts(used, end),
        *lag_charts(recording.harness_lag, end),
    ]
    rows = nemesis_rows(nemesis, recording.fault_kinds)
    cut = partitions(nemesis, recording.nodes, end, recording.fault_kinds)
    return (
        _environment()
        .get_template("body.html.j2")
        .render(
            about=about,
            headline=headline(verdicts, about.validity, about.required, about.explanation),
            decisive=decisive(verdicts, about.required),
            linked=linked,
            symbols=SYMBOLS,
            figures=key_figures(recording, about, spans, nemesis, marks),
            explanation=about.explanation,
            story=_story(about.explanation, timelines, further),
            further=further,
            follows="" if about.explanation is None else follows_in_words(about.explanation),
            cause_evidence=_cause_evidence(checkers, about.explanation),
            first=first,
            progress=[(chart, lines_plot(chart, frame)) for chart in progress],
            chart_data=chart_data(
                spans, frame, lanes, lines, violation, node_lines(recording, marks, end, violation)
            ),
            checkers=[checker for checker in checkers if checker not in consequences],
            causes=len(causes),
            consequences=consequences,
            alike=alike,
            shared_caveats=_shared_caveats(verdicts),
            timelines=timelines,
            around=_around(timelines),
            undrawn_timelines=undrawn,
            violation=violation,
            latency=latency_plot(spans, frame),
            throughput=throughput_plot(spans, frame),
            roles=roles_plot(lanes, frame),
            roles_missing=lanes.missing,
            resources=resources_plot(used, frame),
            lag=run_lag,
            is_virtual=recording.options.get(VIRTUAL_TIME) is True,
            lag_plot=None if run_lag is None else lag_plot(recording.harness_lag, run_lag, frame),
            partitions=[(one, partition_graph(one, partition_id(one))) for one in cut[:MAX_PARTITIONS]],
            hidden_partitions=max(len(cut) - MAX_PARTITIONS, 0),
            outages=outages(recording, spans, periods),
            shortest_outage=SHORTEST_NS,
            stats=by_operation(spans),
            by_fault=by_fault(spans, periods, end, recording.fault_kinds),
            nemesis=rows[:MAX_NEMESIS_ROWS],
            hidden_nemesis=max(len(rows) - MAX_NEMESIS_ROWS, 0),
            options=list(text.leaves(about.options or recording.options)),
            trace_gaps=[gap for trace in recording.traces.values() for gap in trace.gaps],
            files=[(file, _link(file)) for file in about.files],
        )
    )


def partition_id(partition: Partition) -> str:
    """The anchor of a state of the links, by the operation that led to it."""
    return f"partition-{partition.operation}"


@dataclass(frozen=True)
class FirstPicture:
    """The picture of the first screen: of the evidence that decides the verdict."""

    plot: Plot
    text: str
    """The same as a diagram of Mermaid."""
    at: int
    """When the step was taken that must not happen, in nanoseconds since the run began."""
    logs: LogTable | None
    around: frozenset[int]
    """The indices of the log that the violation is about."""


def _first_picture(
    verdicts: Sequence[Verdict],
    explanation: Explanation | None,
    recording: Recording,
    spans: Spans,
    marks: TraceMarks,
    roles: RoleLanes,
    periods: Sequence[FaultPeriod],
) -> FirstPicture | None:
    """The picture of what is explained, else of the first violation that can be drawn; None without one."""
    chosen = chosen_scene(verdicts, explanation, recording, spans, marks, roles, periods)
    if chosen is None:
        return None
    scene, focus = chosen
    return FirstPicture(
        plot=picture(scene, "picture-of-the-violation"),
        text=mermaid(scene),
        at=scene.impossible_at,
        logs=log_table(recording, spans, marks, focus),
        around=focus.indices,
    )


def _around(timelines: Sequence[TimelineView]) -> str:
    """The heading over the timelines: what they are drawn around."""
    violated = not timelines or any(view.validity is Validity.INVALID for view in timelines)
    return "Around the violation" if violated else "Around what was not decided"


@dataclass(frozen=True)
class EventRow:
    """A trace event that evidence names; `event` is None where the trace does not have it."""

    ref: EventRef
    at: int | None
    event: TraceEvent | None


@dataclass(frozen=True)
class EvidenceView:
    """A piece of evidence with its place in the page."""

    id: str
    evidence: Evidence
    operations: tuple[int, ...]
    """What it names, each operation once, by the index of its invocation."""
    text: Markup
    folded: bool
    timeline: str | None
    """The id of its timeline, if one is drawn."""
    links: Mapping[int, str]
    """For each operation, the id of its row in the timeline's table."""
    events: tuple[EventRow, ...]
    picture: Markup | None
    """The picture of the cycle that its links form, if it has links."""


@dataclass(frozen=True)
class TimelineView:
    """The section around one piece of evidence."""

    id: str
    checker: str
    validity: Validity
    evidence: Evidence
    evidence_id: str
    excerpt: Excerpt
    plot: Plot
    anchors: frozenset[int]
    """The operations whose stable anchor, `#op-4964`, is in the table of this section: each is in one."""


@dataclass(frozen=True)
class CheckerView:
    """A verdict with its place in the page."""

    id: str
    verdict: Verdict
    evidence: tuple[EvidenceView, ...]
    hidden_evidence: int
    measures: tuple[tuple[str, str], ...]
    hidden_measures: int
    caveats: tuple[str, ...]
    """The caveats that this verdict has alone; those that several share stand below all of them."""
    judges: str
    """The property that the checker judges, in a sentence; empty for one that the glossary does not have."""
    may_follow_from: str
    """The checkers whose violations may explain this one, in words; empty for a root cause."""


def _checkers(
    verdicts: Sequence[Verdict], spans: Spans, periods: Sequence[FaultPeriod], marks: TraceMarks
) -> tuple[list[CheckerView], list[TimelineView], int]:
    """Every verdict as the page shows it, the timelines of its evidence, and how many are left out."""
    shared = dict(_shared_caveats(verdicts))
    causes = may_follow_from(verdicts)
    checkers: list[CheckerView] = []
    timelines: list[TimelineView] = []
    undrawn = 0
    anchored: set[int] = set()
    for number, verdict in enumerate(verdicts):
        views = []
        drawn = 0
        for place, evidence in enumerate(verdict.evidence[:MAX_EVIDENCE]):
            id_ = f"e-{number}-{place}"
            timeline = None
            if evidence.operations and (drawn >= MAX_TIMELINES_EACH or len(timelines) >= MAX_TIMELINES):
                undrawn += 1
            elif evidence.operations:
                timeline = _timeline(verdict, evidence, id_, spans, periods, anchored)
                timelines.append(timeline)
                drawn += 1
            picture = cycle(evidence, spans.history, f"{id_}-cycle")
            numbers = tuple(dict.fromkeys(map(spans.number, evidence.operations)))
            views.append(_evidence(evidence, numbers, id_, timeline, marks, picture))
        measures = list(text.leaves(verdict.measures)) if verdict.measures else []
        checkers.append(
            CheckerView(
                id=f"c-{number}",
                verdict=verdict,
                evidence=tuple(views),
                hidden_evidence=max(len(verdict.evidence) - MAX_EVIDENCE, 0),
                measures=tuple(measures[:MAX_MEASURES]),
                hidden_measures=max(len(measures) - MAX_MEASURES, 0),
                caveats=tuple(caveat for caveat in verdict.caveats if caveat not in shared),
                judges=meaning(verdict.checker),
                may_follow_from=" and ".join(causes.get(verdict.checker, ())),
            )
        )
    return checkers, timelines, undrawn


def _further(explanation: Explanation | None, timelines: Sequence[TimelineView], spans: Spans) -> list[Span]:
    """The operations of the story that stand in no timeline, so that each has a row to which links lead."""
    lines = () if explanation is None else explanation.story
    named = {spans.number(line.operation) for line in lines if line.operation is not None}
    named -= {operation for view in timelines for operation in view.anchors}
    places = (spans.position(operation) for operation in sorted(named))
    return [spans.span(place) for place in places if place is not None]


def _story(
    explanation: Explanation | None, timelines: Sequence[TimelineView], further: Sequence[Span]
) -> list[tuple[StoryLine, Markup]]:
    """The lines of the story, each with its words, in which operations are linked to their rows."""
    links = {operation: f"op-{operation}" for view in timelines for operation in view.anchors}
    links |= {span.index: f"op-{span.index}" for span in further}
    lines = () if explanation is None else explanation.story
    return [(line, _linked(text.shorten(line.text, LONG_TEXT), links)) for line in lines]


def _cause_evidence(checkers: Sequence[CheckerView], explanation: Explanation | None) -> EvidenceView | None:
    """The evidence that the headline is about: what is explained, else that of the first violation."""
    place = 0
    if explanation is not None:
        checkers = [one for one in checkers if one.verdict.checker == explanation.cause]
        place = explanation.evidence or 0
    shown = next((one.evidence for one in checkers if one.verdict.validity is Validity.INVALID), ())
    return shown[place] if place < len(shown) else None


def _shared_caveats(verdicts: Sequence[Verdict]) -> list[tuple[str, list[str]]]:
    """The caveats that at least `SHARED` checkers have in common, each with the names of these checkers."""
    names: dict[str, list[str]] = {}
    for verdict in verdicts:
        for caveat in dict.fromkeys(verdict.caveats):
            names.setdefault(caveat, []).append(verdict.checker)
    return [(caveat, found) for caveat, found in names.items() if len(found) >= SHARED]


def _timeline(
    verdict: Verdict,
    evidence: Evidence,
    evidence_id: str,
    spans: Spans,
    periods: Sequence[FaultPeriod],
    anchored: set[int],
) -> TimelineView:
    part = excerpt(spans, evidence.operations)
    anchors = frozenset(span.index for span in part.spans) - anchored
    anchored |= anchors
    id_ = evidence_id.replace("e-", "t-", 1)
    plot = (
        timeline_plot(part, periods, f"{id_}-plot", f"Operations around: {evidence.title}")
        if part.spans
        else Plot(svg=Markup(""), notes=part.notes)
    )
    return TimelineView(id_, verdict.checker, verdict.validity, evidence, evidence_id, part, plot, anchors)


def _evidence(
    evidence: Evidence,
    numbers: tuple[int, ...],
    id_: str,
    timeline: TimelineView | None,
    marks: TraceMarks,
    picture: Markup | None,
) -> EvidenceView:
    links = (
        {}
        if timeline is None
        else {
            number: f"op-{at}"
            for operation, at in timeline.excerpt.names.items()
            for number in (operation, at)
        }
    )
    events = []
    for ref in evidence.events[:MAX_EVENTS]:
        event = marks.event(ref)
        events.append(EventRow(ref=ref, at=None if event is None else marks.run_time(event), event=event))
    return EvidenceView(
        id=id_,
        evidence=evidence,
        operations=numbers,
        text=_linked(text.shorten(evidence.text, LONGEST_TEXT), links),
        folded=len(evidence.text) > LONG_TEXT,
        timeline=None if timeline is None else timeline.id,
        links=links,
        events=tuple(events),
        picture=picture,
    )


def _linked(words: str, links: Mapping[int, str]) -> Markup:
    """The text escaped, with `operation 512` linked to that operation's row where there is one."""
    done, parts = 0, []
    for match in _OPERATION.finditer(words):
        target = links.get(int(match.group(1))) if len(match.group(1)) < 16 else None
        if target is not None:
            parts.append(escape(text.clean(words[done : match.start()])))
            parts.append(Markup('<a href="#{}">{}</a>').format(target, match.group()))
            done = match.end()
    parts.append(escape(text.clean(words[done:])))
    return Markup("").join(parts)


def _link(file: StoredFile) -> str | None:
    """A relative address of a file of the store; None where the path would lead out of it."""
    inside = not file.path.startswith(("/", "\\")) and ".." not in file.path.split("/")
    # `./` first, so that no name is ever taken for a scheme (`javascript:`).
    return "./" + quote(text.clean(file.path)) if inside else None


@cache
def _environment() -> Environment:
    made = environment(TEMPLATES)
    made.filters.update(label=label)
    made.globals.update(open_evidence=OPEN_EVIDENCE)
    return made


@cache
def _asset(name: str) -> Markup:
    """The style sheet or the script: our own source, so not to be escaped."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - escaped, or our own


@cache
def _licence() -> Markup:
    """The licence of the charting library, as a comment of the script that contains it."""
    words = (TEMPLATES / "uplot.LICENSE").read_text(encoding="utf-8").strip()
    return Markup(f"/*! uPlot, https://github.com/leeoniya/uPlot\n{words}\n*/")  # noqa: S704 - our own file


def _policy(style: str, *scripts: str) -> str:
    """The content security policy: nothing but the inline style and scripts with these very hashes."""

    def digest(source: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {' '.join(map(digest, scripts))}; "
        "img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _icon(validity: Validity) -> str:
    """The tab's icon, which shows the verdict by shape and by colour, as a data address."""
    shape = {
        Validity.VALID: '<circle cx="8" cy="8" r="8" fill="#17693f"/>'
        '<path d="M4 8l3 3 5-6" stroke="#fff" stroke-width="2" fill="none"/>',
        Validity.INVALID: '<rect width="16" height="16" rx="2" fill="#a3201a"/>'
        '<path d="M4 4l8 8m0-8l-8 8" stroke="#fff" stroke-width="2"/>',
        Validity.UNKNOWN: '<rect x="1" y="1" width="14" height="14" fill="#fff" '
        'stroke="#7c5200" stroke-width="2" stroke-dasharray="3 2"/>'
        '<text x="8" y="12.5" text-anchor="middle" font-size="12" fill="#7c5200">?</text>',
    }[validity]
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{shape}</svg>'
    return "data:image/svg+xml," + quote(svg)
