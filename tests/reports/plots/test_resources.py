"""What the nodes used, as drawn: one line a life, rates of totals, and nothing invented."""

from __future__ import annotations

import re

from history import ResourceSample
from history.units import SECOND_NS as S
from reports.plots.frame import Frame
from reports.plots.measured.resources import HUES, MAX_SAMPLES, PANELS, resources_plot

FRAME = Frame(end=30 * S, periods=())


def sample(at_s: float, *, node: str = "n1", life: int = 1, cpu_s: float = 0, **more: int) -> ResourceSample:
    return ResourceSample(node, life, int(at_s * S), int(cpu_s * S), 50_000_000, **more)


def paths(svg: str, class_: str) -> list[str]:
    found = re.findall(rf'<path d="([^"]*)" class="resource {class_}"', svg)
    assert all(isinstance(d, str) for d in found)
    return found


def test_a_cpu_second_used_in_two_seconds_is_half_a_core() -> None:
    cpu = PANELS[0]
    assert cpu.points([sample(1, cpu_s=3), sample(3, cpu_s=4)]) == [(3 * S, 50.0)]


def test_a_line_breaks_where_a_life_ends_so_a_restart_is_no_slope() -> None:
    cpu_seconds = [sample(t, life=life, cpu_s=t) for life in (1, 2) for t in range(life * 5, life * 5 + 3)]
    plot = resources_plot({"n1": cpu_seconds}, FRAME)
    assert plot is not None
    cpu = paths(plot.svg, "n-0")[0]
    assert cpu.count("M") == 2, "a stroke a life"


def test_what_a_host_does_not_tell_has_no_panel() -> None:
    plot = resources_plot({"n1": [sample(1), sample(2)]}, FRAME)
    assert plot is not None
    assert "memory, resident" in plot.svg
    assert "open files" not in plot.svg
    assert "written to disk" not in plot.svg


def test_without_samples_there_is_no_chart() -> None:
    assert resources_plot({}, FRAME) is None
    assert resources_plot({"n1": ()}, FRAME) is None


def test_a_long_run_is_thinned_and_its_last_sample_stays() -> None:
    many = [sample(t, cpu_s=t / 2, files=7) for t in range(20 * MAX_SAMPLES)]
    plot = resources_plot({"n1": many}, Frame(end=20 * MAX_SAMPLES * S, periods=()))
    assert plot is not None
    assert all(d.count("L") <= MAX_SAMPLES for d in paths(plot.svg, "n-0"))
    assert f"{len(many):,} samples" in plot.notes[0]


def test_names_of_nodes_are_escaped_and_more_nodes_than_hues_are_still_drawn() -> None:
    nodes = [f"<n{number}>" for number in range(HUES + 2)]
    plot = resources_plot({node: [sample(1, node=node), sample(2, node=node)] for node in nodes}, FRAME)
    assert plot is not None
    assert "<n1>" not in plot.svg
    assert "&lt;n1&gt;" in plot.svg
    assert len(plot.legend) == HUES + 2
