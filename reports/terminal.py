"""The verdict in a terminal: the answer, a line for each checker, why it is not valid, where the report is.

Texts of a recording are set as they are, never read as rich's markup, and their controls are shown as
escapes, so that a node's log line cannot paint over the verdict.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checkers.check_all import decisive
from checkers.explanation import Explanation
from checkers.verdict import Mark, Unjudged, Validity, Verdict
from history.units import SECOND_NS
from reports.about import SYMBOLS, ReportAbout, folded, follows_in_words, gravest_first, headline
from reports.text import clean, duration, seconds, shorten

_STYLES: Mapping[Mark, str] = {
    Validity.VALID: "green",
    Validity.INVALID: "bold red",
    Validity.UNKNOWN: "bold yellow",
    **dict.fromkeys(Unjudged, "dim"),
}
LONGEST_EVIDENCE = 600
UNKNOWN = "Unknown: the run shows neither that the system is right nor that it is wrong."


def show(
    verdicts: Sequence[Verdict],
    report: str | Path | None = None,
    *,
    required: Collection[str] = (),
    about: ReportAbout | None = None,
    explanation: Explanation | None = None,
    console: Console | None = None,
) -> None:
    """Print the verdicts of a run.

    Args:
        report: the path of its HTML page.
        required: the names of the checkers that the run requires.
        about: the facts about the run: its title, length, seed and own validity.
        explanation: why the run is not valid; that of `about` by default.
        console: where to print; standard output by default.
    """
    console = console or Console()
    if explanation is None and about is not None:
        explanation = about.explanation
    console.print(_summary(verdicts, required, about, explanation))
    if report is not None:
        # Never folded or cropped: a path is copied, or clicked, in one piece.
        console.print(Text.assemble("\nReport  ", (clean(str(report)), "underline")), soft_wrap=True)


def _summary(
    verdicts: Sequence[Verdict],
    required: Collection[str],
    about: ReportAbout | None,
    explanation: Explanation | None,
) -> RenderableType:
    claimed = Validity.VALID if about is None else about.validity
    top = headline(verdicts, claimed, required, explanation)
    against = decisive(verdicts, required)
    answer = Text()
    answer.append(f" {top.validity.value.upper()} ", f"{_STYLES[top.validity]} reverse")
    answer.append(f"  {clean(top.why)}")
    parts: list[RenderableType] = [answer]
    if top.counts:
        parts.append(Text(top.counts, "dim"))
    if top.validity is Validity.UNKNOWN:
        parts.append(Text(UNKNOWN, "dim"))
    if about is not None:
        facts = [clean(about.title), duration(about.duration_s * SECOND_NS)]
        if about.seed is not None:
            facts.append(f"seed {about.seed}")
        parts.append(Text(" · ".join(facts), "dim"))
    if explanation is not None:
        parts.extend(explained(explanation))
    parts.append(Text())

    follows = () if explanation is None else explanation.follows
    name_width = max((len(clean(verdict.checker)) for verdict in verdicts), default=0)
    apart, alike = folded(gravest_first(verdicts, required, explanation))
    for verdict in apart:
        decides = verdict in against
        row = _row(
            name_width,
            Text(SYMBOLS[verdict.mark], _STYLES[verdict.validity if decides else verdict.mark]),
            Text(clean(verdict.checker), "bold" if decides else _STYLES[verdict.mark].replace("green", "")),
            _said(verdict, decides),
        )
        parts.append(Padding(row, (0, 0, 0, 1)))
        if decides and verdict.evidence and verdict.checker not in follows:
            place = explanation.evidence if explanation is not None else None
            first = place or 0 if explanation is not None and explanation.cause == verdict.checker else 0
            parts.append(Padding(_reason(verdict, first), (0, 0, 1, 4)))
    for why, names in alike.items():
        said = Text(f"{Unjudged.NOT_APPLICABLE}: {clean(why)} ({', '.join(map(clean, names))})", "dim")
        symbol = Text(SYMBOLS[Unjudged.NOT_APPLICABLE], "dim")
        row = _row(name_width, symbol, Text(f"{len(names)} checkers", "dim"), said)
        parts.append(Padding(row, (0, 0, 0, 1)))
    return Group(*parts)


def explained(explanation: Explanation) -> list[RenderableType]:
    """The story of a violation and what follows from it, or what an unknown run lacked."""
    parts: list[RenderableType] = []
    if explanation.story:
        story = Table.grid(padding=(0, 2, 0, 0))
        story.add_column(width=1)
        story.add_column(justify="right", no_wrap=True)
        story.add_column(overflow="fold")
        for line in explanation.story:
            style = "bold red" if line.is_wrong else ""
            time = "" if line.time is None else seconds(line.time)
            mark = SYMBOLS[Validity.INVALID] if line.is_wrong else ""
            story.add_row(Text(mark, style), Text(time, style or "dim"), Text(clean(line.text), style))
        parts.append(Padding(story, (1, 0, 0, 1)))
    consequences = follows_in_words(explanation)
    if consequences:
        parts.append(Padding(Text(clean(consequences), "dim"), (0, 0, 0, 4)))
    parts += [Padding(Text(f"Missing: {clean(line)}"), (0, 0, 0, 1)) for line in explanation.missing]
    return parts


def _row(name_width: int, *cells: Text) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=1)
    row.add_column(width=name_width, no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(*cells)
    return row


def _said(verdict: Verdict, decides: bool) -> Text:
    """The summary of a verdict, after its mark where nothing was judged."""
    if verdict.unjudged is None:
        return Text(clean(verdict.summary))
    mark = f"{verdict.unjudged}, and required: " if decides else f"{verdict.unjudged}: "
    return Text.assemble(
        (mark, "bold" if decides else "dim"), (clean(verdict.summary), "" if decides else "dim")
    )


def _reason(verdict: Verdict, place: int) -> Text:
    """One piece of evidence of a verdict that is invalid, or why a checker could not decide."""
    first = verdict.evidence[place]
    text = Text(clean(first.title), "bold")
    if verdict.validity is Validity.INVALID and first.text:
        text.append(f"\n{clean(shorten(first.text, LONGEST_EVIDENCE))}", "not bold")
    if len(verdict.evidence) > 1:
        text.append(f"\nand {len(verdict.evidence) - 1} more in the report", "not bold dim")
    return text


def plain(
    verdicts: Sequence[Verdict],
    report: str | Path | None = None,
    *,
    required: Collection[str] = (),
    about: ReportAbout | None = None,
    explanation: Explanation | None = None,
    width: int = 100,
) -> str:
    """What `show` prints, without colours, for logs; only the report's line may be longer than `width`."""
    console = Console(
        file=io.StringIO(), color_system=None, force_terminal=False, width=width, legacy_windows=False
    )
    with console.capture() as captured:
        show(verdicts, report, required=required, about=about, explanation=explanation, console=console)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"
