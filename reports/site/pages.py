"""Renders the pages over all runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from reports.plots.measured.overlay import latency_overlay
from reports.site.model import (
    CampaignRow,
    ComparedPair,
    ComparedRuns,
    FindingRow,
    LiveRow,
    MutantRow,
    RunList,
    SeedMap,
    SiteAbout,
    Trend,
    TrendPoint,
)
from reports.templating import environment

TEMPLATES = Path(__file__).parent / "templates"
SHARED = Path(__file__).parent.parent / "templates"
"""Where the scripts are that a report has, too."""
ASSETS = ("site.css", "theme.js", "site.js")
"""Files that every page fetches from its own folder."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'none'; "
    "form-action 'self'; base-uri 'none'"
)
"""The content security policy of each page."""
NAVIGATION = (
    ("index.html", "Runs"),
    ("trends.html", "Trends"),
    ("campaigns.html", "Campaigns"),
    ("findings.html", "Findings"),
    ("mutants.html", "Seeded bugs"),
    ("compare.html", "Compare"),
)
COMPARE = "compare.html"
LIVE = ("live.html", "Now")
"""A page that is served, and not written as a file."""
LONGEST_TEXT = 300
SPARK_WIDTH, SPARK_HEIGHT = 180, 28


def asset(name: str) -> bytes:
    """A file that pages fetch."""
    if name not in ASSETS:
        raise KeyError(name)
    return (SHARED if name == "theme.js" else TEMPLATES).joinpath(name).read_bytes()


def runs_page(about: SiteAbout, runs: RunList) -> str:
    """The list of runs."""
    return _render("runs", about, "index.html", runs=runs)


def trends_page(about: SiteAbout, trends: Sequence[Trend]) -> str:
    """The runs of each system, workload and set of faults through time."""
    return _render("trends", about, "trends.html", trends=trends)


def campaigns_page(about: SiteAbout, campaigns: Sequence[CampaignRow]) -> str:
    """The list of campaigns."""
    return _render("campaigns", about, "campaigns.html", campaigns=campaigns)


def campaign_page(about: SiteAbout, seeds: SeedMap) -> str:
    """One campaign: its seeds as a map."""
    return _render("campaign", about, "campaigns.html", seeds=seeds)


def findings_page(about: SiteAbout, findings: Sequence[FindingRow], problem: str = "") -> str:
    """The findings, what to look at first on top."""
    return _render("findings", about, "findings.html", findings=findings, problem=problem)


def mutants_page(about: SiteAbout, mutants: Sequence[MutantRow]) -> str:
    """The seeded bugs."""
    return _render("mutants", about, "mutants.html", mutants=mutants)


def live_page(about: SiteAbout, live: Sequence[LiveRow]) -> str:
    """What goes on now; the page asks again each second."""
    return _render("live", about, LIVE[0], live=live)


def compare_page(
    about: SiteAbout, compared: ComparedRuns, runs: Sequence[str] = (), pairs: Sequence[ComparedPair] = ()
) -> str:
    """Two runs next to each other.

    Args:
        compared: the two runs; all of it empty if none are chosen yet.
        runs: of served pages, the runs that the form offers.
        pairs: of written pages, those that there are.
    """
    picture = latency_overlay(compared.quantiles, [(one.f, one.a, one.b) for one in compared.latencies])
    return _render("compare", about, COMPARE, runs=runs, compared=compared, picture=picture, pairs=pairs)


def error_page(about: SiteAbout, message: str) -> str:
    """What the server says of an address that it does not have."""
    return _render("error", about, "", message=message)


def _render(name: str, about: SiteAbout, page: str, **values: Any) -> str:
    navigation = (*NAVIGATION, LIVE) if about.is_live else NAVIGATION
    template = _environment().get_template(f"{name}.html.j2")
    return template.render(about=about, page=page, navigation=navigation, policy=POLICY, **values)


def _line(points: Sequence[TrendPoint], figure: str) -> str:
    """The points of a small curve, in the units of its picture; empty if there are fewer than two figures."""
    values = [getattr(point, figure) for point in points]
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    most = max((value for _, value in known), default=0)
    if len(known) < 2 or most <= 0:
        return ""
    across = SPARK_WIDTH / max(1, len(values) - 1)
    return " ".join(f"{place * across:.1f},{SPARK_HEIGHT * (1 - value / most):.1f}" for place, value in known)


def _last(points: Sequence[TrendPoint], figure: str) -> float | None:
    """The latest figure."""
    values = [getattr(point, figure) for point in points]
    return next((value for value in reversed(values) if value is not None), None)


@cache
def _environment() -> Environment:
    made = environment(TEMPLATES, LONGEST_TEXT)
    made.filters.update(line=_line, last=_last)
    made.globals.update(spark_width=SPARK_WIDTH, spark_height=SPARK_HEIGHT)
    return made
