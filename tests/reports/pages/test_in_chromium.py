"""Each kind of page in a real Chromium: no complaint, no request off the page, accessible, drawn."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from checkers.verdict import Evidence, Validity, Verdict
from history import History, Recording
from reports.html import render
from tests.reports import simulated, synthetic
from tests.reports.pages.test_browser import BROWSER
from tests.reports.pages.test_html import evil_run, million

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")

SCREEN = {"width": 1280, "height": 800}
LONGEST_PAGE = 20_000
"""Pixels; the pages of invalid runs had 28,000."""
NETWORK_OFF = "--proxy-server=127.0.0.1:9"


def of_class(name: str) -> str:
    judged = simulated.judged(name)
    return render(judged.recording, judged.verdicts, judged.about)


@cache
def valid() -> str:
    return render(synthetic.recording(), synthetic.valid_verdicts(), synthetic.about())


def unknown() -> str:
    return render(synthetic.recording(), synthetic.unknown_verdicts(), synthetic.about(Validity.UNKNOWN))


def empty() -> str:
    nothing = Recording(nodes=("n1", "n2"), history=History([]))
    return render(nothing, [], synthetic.about(Validity.UNKNOWN, duration_s=0.0, seed=None))


def killed() -> str:
    """A run whose record ends in the middle: the last operations have no completion."""
    recording = synthetic.recording()
    cut = msgspec.structs.replace(recording, history=History(list(recording.history)[:9_001]))
    return render(cut, synthetic.unknown_verdicts(), synthetic.about(Validity.UNKNOWN))


def hostile() -> str:
    return render(*evil_run())


def full() -> str:
    """A run of all that real nodes leave, with forty faults and three checkers that found much."""
    recording = synthetic.recording()
    found = [
        Verdict(
            name,
            Validity.INVALID,
            "what was acknowledged is gone",
            tuple(
                Evidence(f"lost {n}", "An explanation of some length. " * 12, (n, n + 40)) for n in range(24)
            ),
        )
        for name in ("durability", "linearizability", "session-guarantees")
    ]
    verdicts = [
        *found,
        *(one for one in synthetic.valid_verdicts() if one.checker not in {v.checker for v in found}),
    ]
    recording = msgspec.structs.replace(recording, resources=synthetic.resources(synthetic.lives()))
    return render(recording, verdicts, synthetic.about(Validity.INVALID))


def huge() -> str:
    verdict = Verdict("durability", Validity.INVALID, "s", (Evidence("lost", "x", (10, 400_000)),))
    recording = Recording(nodes=synthetic.NODES, history=million(), options={})
    return render(recording, [verdict], synthetic.about(Validity.INVALID, duration_s=3600.0))


QUICK: dict[str, Callable[[], str]] = {
    "valid": valid,
    "two leaders": partial(of_class, "two leaders"),
    "empty": empty,
    "hostile": hostile,
}
OTHERS: dict[str, Callable[[], str]] = {
    **{name: partial(of_class, name) for name in simulated.OF_CLASS if name not in QUICK},
    "unknown": unknown,
    "killed": killed,
    "huge": huge,
}
PAGES = QUICK | OTHERS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", NETWORK_OFF])
        yield launched
        launched.close()


def opened(browser: Any, html: str, folder: Path, **options: Any) -> tuple[Any, list[str], list[str]]:
    """A page that has drawn its charts, what it complained about, and what it asked for."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    page = browser.new_context(viewport=SCREEN, reduced_motion="reduce", **options).new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    if options.get("java_script_enabled", True):
        page.wait_for_selector("html[data-charts]", timeout=60_000)
    return page, complaints, [url for url in asked if not url.startswith(("data:", file.as_uri()))]


CUT = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const all = svg.getBoundingClientRect();
  return !all.width ? [] : [...svg.querySelectorAll("text")].filter((text) => {
    const one = text.getBoundingClientRect();
    return one.width && (one.right > all.right + 1 || one.left < all.left - 1 || one.bottom > all.bottom + 1);
  }).map((text) => text.textContent);
})"""
"""The texts that reach out of their pictures, and so are cut."""


TOUCHING = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll("text")].map((text) => [text.getBoundingClientRect(), text])
    .filter(([box]) => box.width);
  return boxes.flatMap(([a, one], n) => boxes.slice(n + 1)
    .filter(([b]) => a.left < b.right - 0.5 && b.left < a.right - 0.5 &&
      a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5)
    .map(([, other]) => `${svg.id}: ${one.textContent} / ${other.textContent}`));
})"""
"""The pairs of texts of one picture of which one lies, at least in part, where the other one is."""


def findings(page: Any, *rules: str) -> list[Any]:
    """What axe-core finds by some rules, or by all, and does not call minor."""
    options = {"runOnly": list(rules)} if rules else {}
    found: list[Any] = page.evaluate(
        "async (options) => (await axe.run(options)).violations.map(v => [v.id, v.impact, v.nodes[0].html])",
        options,
    )
    return [one for one in found if one[1] != "minor"]


def check(browser: Any, html: str, folder: Path, *, in_dark: bool = False) -> None:
    page, complaints, asked = opened(browser, html, folder)
    assert complaints == []
    assert asked == []
    assert page.evaluate("document.documentElement.scrollHeight") < LONGEST_PAGE
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREEN["width"]
    for width, scheme, media in product((SCREEN["width"], 1920), ("light", "dark"), ("screen", "print")):
        page.set_viewport_size({"width": width, "height": SCREEN["height"]})
        page.emulate_media(media=media, color_scheme=scheme)
        assert (page.evaluate(CUT), page.evaluate(TOUCHING)) == ([], []), (width, scheme, media)
    page.set_viewport_size(SCREEN)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    page.emulate_media(media="screen", color_scheme="light")
    assert findings(page) == []
    if in_dark:
        page.emulate_media(media="screen", color_scheme="dark")
        assert findings(page, "color-contrast") == []
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert findings(page, "landmark-unique") == []
    page.context.close()


@pytest.mark.parametrize("name", QUICK)
def test_a_page_has_no_complaint_no_request_and_no_serious_finding(
    browser: Any, name: str, tmp_path: Path
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    check(browser, PAGES[name](), tmp_path)


def test_a_role_that_only_some_systems_have_has_a_colour_and_other_roles_keep_theirs(
    browser: Any, tmp_path: Path
) -> None:
    page, _, _ = opened(browser, valid(), tmp_path)
    fills = page.evaluate(
        """() => Object.fromEntries(["node", "observer", "follower", "leader"].map(role => {
            const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
            bar.setAttribute("class", "role role-" + role);
            document.querySelector("svg").append(bar);
            return [role, getComputedStyle(bar).fill];
        }))"""
    )
    assert fills["node"] == fills["observer"] == fills["follower"] != fills["leader"]
    assert fills["node"] != "rgb(0, 0, 0)"
    page.context.close()


@pytest.mark.campaign
@pytest.mark.parametrize("name", OTHERS)
def test_each_other_page_has_no_complaint_no_request_and_no_serious_finding(
    browser: Any, name: str, tmp_path: Path
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    check(browser, PAGES[name](), tmp_path, in_dark=True)


def test_verdict_story_and_picture_are_all_in_the_first_screen(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path)
    for part in ("h1", ".why", ".story ol", "svg.scene"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= SCREEN["height"], part
    page.context.close()


def test_zooming_one_chart_zooms_all_and_the_keyboard_shows_the_whole_run_again(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, of_class("two leaders"), tmp_path)
    page.evaluate("document.querySelector('#latency').scrollIntoView()")
    box = page.locator("#latency .u-over").bounding_box()
    assert page.locator(".range").inner_text() == "the whole run"
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 50, steps=3)
    page.mouse.up()
    assert " to " in page.locator(".range").inner_text()
    page.locator("#throughput .live").press("0")
    assert page.locator(".range").inner_text() == "the whole run"
    page.locator(".chart-bar select").nth(1).select_option("ok")
    assert "operations fit" in page.locator(".found").inner_text()
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize("made", [partial(of_class, "lost registration"), full], ids=["simulated", "real"])
def test_a_report_prints_on_at_most_eight_pages(
    made: Callable[[], str], browser: Any, tmp_path: Path
) -> None:
    page, _, _ = opened(browser, made(), tmp_path)
    printed = page.pdf(format="A4")
    assert 1 <= max(map(int, re.findall(rb"/Count (\d+)", printed))) <= 8
    page.context.close()


def test_without_a_script_the_static_pictures_are_there(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path, java_script_enabled=False)
    for picture in ("svg.scene", "#plot-latency", "#plot-throughput", "#plot-roles", "#plot-commits"):
        assert page.locator(picture).is_visible()
    page.context.close()


def shown_moment(page: Any, share: float) -> Any:
    """Choose the moment at this share of the run by a click, and give the pane that it opens."""
    page.evaluate("document.querySelector('#latency').scrollIntoView()")
    box = page.locator("#latency .u-over").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + 60)
    return page.locator("#moment")


def test_a_click_on_a_chart_shows_links_states_faults_and_lines_of_that_moment(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    pane = shown_moment(page, 10 / 30)
    words = pane.inner_text()
    assert pane.locator("h2").inner_text().startswith("At 10.0") or "At 9.9" in words
    assert "faults: partition n3 (leader)" in words
    assert "n3: leader of term 2" in words
    assert "n5: leader of term 3" in words
    assert pane.locator("svg.partition circle").count() == 5
    assert pane.locator("svg.partition .cannot-lead").count() == 1
    assert pane.locator("tr.now").count() == 1
    times = [float(text.split()[0]) for text in pane.locator("td.n").all_inner_texts()]
    assert times == sorted(times)
    assert times[0] < 10 < times[-1]
    page.locator(".chart-bar select").nth(2).select_option("n4")
    assert set(pane.locator("tr td:nth-child(2)").all_inner_texts()) == {"n4"}
    assert page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    ) == page.evaluate("document.querySelectorAll('[id]').length")
    assert complaints == []
    page.context.close()


def test_the_keyboard_moves_and_closes_the_chosen_moment(browser: Any, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    charts = page.locator("#throughput .live")
    charts.press(".")
    first = page.locator("#moment h2").inner_text()
    charts.press(".")
    second = page.locator("#moment h2").inner_text()
    assert (first, second) == ("At 15.300 s", "At 15.600 s")
    charts.press("Escape")
    assert page.locator("#moment").count() == 0
    assert complaints == []
    page.context.close()


def test_a_time_without_an_ok_reply_leads_to_its_part_of_the_charts(browser: Any, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    page.locator("#outages a[data-from]").first.click()
    low, high = (
        float(text) for text in page.locator(".range").inner_text().removesuffix(" s").split(" s to ")
    )
    assert 0.1 < high - low < 3
    assert page.locator("#moment h2").inner_text().startswith("At ")
    assert complaints == []
    page.context.close()


def test_each_partition_is_drawn_also_without_a_script(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, valid(), tmp_path, java_script_enabled=False)
    graphs = page.locator("#partitions svg.partition")
    assert graphs.count() == 2
    assert graphs.first.is_visible()
    assert "could not: n3" in page.locator("#partitions figcaption").first.text_content()
    page.context.close()


def test_every_chart_marks_the_violation_and_leads_to_it_also_without_a_script(
    browser: Any, tmp_path: Path
) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path, java_script_enabled=False)
    figures = page.locator("#charts figure")
    assert figures.count() >= 6
    for figure in figures.all():
        assert figure.locator("svg .impossible").count() >= 1
        assert figure.locator("figcaption a[href='#picture']").count() == 1
    page.context.close()


def test_a_chart_saved_as_png_has_the_background_and_the_title_of_the_page(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, of_class("two leaders"), tmp_path, color_scheme="dark")
    with page.expect_download() as saved:
        page.locator("#throughput button", has_text="PNG").click()
    assert saved.value.suggested_filename == "completions-per-second.png"
    png = saved.value.path().read_bytes()
    pixels = page.evaluate(
        """async (bytes) => {
          const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
          const canvas = new OffscreenCanvas(image.width, image.height);
          const ctx = canvas.getContext("2d", { willReadFrequently: true });
          ctx.drawImage(image, 0, 0);
          const corner = [...ctx.getImageData(0, 0, 1, 1).data];
          const title = ctx.getImageData(0, 0, image.width, 20).data;
          let bright = 0;
          for (let i = 0; i < title.length; i += 4) bright += title[i] > 180;
          return [corner, bright];
        }""",
        list(png),
    )
    assert pixels[0] == [0x14, 0x16, 0x1A, 255], "dark paper, and not transparent"
    assert pixels[1] > 50, "a title"
    with page.expect_download() as drawing:
        page.locator("#throughput button", has_text="SVG (whole run)").click()
    several = page.locator("figure:has(.live-title) button", has_text="SVG").all_text_contents()
    assert set(several) <= {"SVG (all charts here, whole run)"}
    assert set(page.locator(".has-live button", has_text="PNG").all_text_contents()) == {"PNG (as shown)"}
    svg = drawing.value.path().read_text(encoding="utf-8")
    assert "<style" in svg
    assert 'xmlns="http://www.w3.org/2000/svg"' in svg
    assert complaints == []
    page.context.close()


def test_the_picture_of_the_violation_and_each_partition_are_saved_as_png_and_svg(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, of_class("stale read"), tmp_path, color_scheme="dark")
    assert page.locator("figure.graph").count() > 0
    for where in (page.locator("#picture"), page.locator("figure.graph").first):
        with page.expect_download() as saved:
            where.locator("button", has_text="PNG").click()
        png = saved.value.path().read_bytes()
        corner = page.evaluate(
            """async (bytes) => {
              const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
              const ctx = new OffscreenCanvas(image.width, image.height).getContext("2d");
              ctx.drawImage(image, 0, 0);
              return [image.width > 100, ...ctx.getImageData(0, 0, 1, 1).data];
            }""",
            list(png),
        )
        assert corner[0]
        assert corner[4] == 255, "not transparent"
        assert max(corner[1:4]) < 0x30, "dark"
        with page.expect_download() as drawing:
            where.locator("button", has_text="SVG").click()
        assert ElementTree.fromstring(drawing.value.path().read_text(encoding="utf-8")).tag.endswith("svg")
    assert complaints == []
    page.context.close()


def test_a_narrow_screen_scrolls_only_what_is_wide(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("stale read"), tmp_path)
    page.set_viewport_size({"width": 720, "height": 800})
    page.reload()
    page.wait_for_selector("html[data-charts]", timeout=60_000)
    assert page.locator(".uplot").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") == 720
    page.context.close()


def test_filters_hide_the_lines_of_other_nodes_and_find_an_operation_by_its_value(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    node = page.locator(".chart-bar select").nth(2)
    node.select_option("n2")
    page.evaluate("document.querySelector('#latency').scrollIntoView()")
    box = page.locator("#latency .u-over").bounding_box()
    assert box["y"] + box["height"] / 2 < SCREEN["height"], "what fits is listed, and the chart still seen"
    shown = page.locator("#progress .live").nth(1).locator(".u-series:not(.u-off) .u-label").all_inner_texts()
    assert [name for name in shown if name != "time"] == ["n2 commit", "n2 applied"]
    page.locator(".chart-bar select").nth(1).select_option("fail")
    shown = page.locator("#throughput .u-series:not(.u-off) .u-label").all_inner_texts()
    assert [name for name in shown if name != "time"] == ["fail"]
    node.select_option("")
    page.locator(".chart-bar select").nth(1).select_option("")
    page.locator(".chart-bar input").nth(2).fill("r17")
    rows = page.locator(".found tr:has(td)").all_inner_texts()
    assert rows
    assert all("r17" in row for row in rows)
    assert complaints == []
    page.context.close()


def test_nothing_that_a_chart_shows_needs_colour(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path)
    for place in ("#latency", "#roles"):
        assert page.locator(f"{place} .legend").is_visible()
    dashes = page.evaluate(
        "[...document.querySelectorAll('#progress path.node-key')]"
        ".map(e => getComputedStyle(e).strokeDasharray)"
    )
    nodes = len(simulated.judged("two leaders").recording.nodes)
    assert nodes >= 3
    assert len(set(dashes[:nodes])) == nodes
    page.context.close()


def test_dark_and_light_are_a_choice_that_charts_follow(browser: Any, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path, color_scheme="light")
    seen = []
    for _ in range(3):
        page.locator("button.theme").click()
        chart = page.evaluate("document.querySelector('#throughput canvas').toDataURL()")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        seen.append((page.locator("button.theme").inner_text(), paper, chart))
    light, dark, system = seen
    assert [one[0] for one in seen] == ["colours: light", "colours: dark", "colours: system"]
    assert (light[1], dark[1], system[1]) == ("rgb(252, 251, 248)", "rgb(20, 22, 26)", "rgb(252, 251, 248)")
    assert light[2] == system[2] != dark[2]
    assert complaints == []
    page.context.close()


MEANS_OF_CELLS = """(cells) => {
  const over = document.querySelector("#latency .u-over"), canvas = document.querySelector("#latency canvas");
  const from = canvas.getBoundingClientRect(), plot = over.getBoundingClientRect();
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(canvas, 0, 0);
  const mean = (data, n) => data.filter((_, i) => i % 4 === n).reduce((a, b) => a + b, 0) / (data.length / 4);
  return cells.map(([x0, y0, x1, y1]) => {
    const left = Math.ceil(plot.left - from.left + x0 * plot.width);
    const right = Math.floor(plot.left - from.left + x1 * plot.width);
    const top = Math.ceil(plot.top - from.top + y0 * plot.height);
    const low = Math.floor(plot.top - from.top + y1 * plot.height);
    const size = [Math.max(right - left - 1, 1), Math.max(low - top - 1, 1)];
    const { data } = ctx.getImageData(left, top, ...size);
    return [0, 1, 2].map(n => mean(data, n));
  });
}"""
"""The mean red, green and blue of parts of the chart, each given as left, top, right, low in shares."""


def cells_of(grid: dict[str, Any]) -> dict[int, dict[str, int]]:
    """By place, how many operations of each outcome a cell of the heat map counts."""
    found: dict[int, dict[str, int]] = {}
    for outcome, (steps, counts) in grid["cells"].items():
        place = 0
        for step, count in zip(steps, counts, strict=True):
            place += step
            found.setdefault(place, {})[outcome] = count
    return found


def test_each_cell_of_the_heat_map_shows_how_many_operations_it_has_and_how_they_ended(
    browser: Any, tmp_path: Path
) -> None:
    html = valid()
    page, complaints, _ = opened(browser, html, tmp_path, color_scheme="light")
    data = json.loads(html.split('id="chart-data">')[1].split("</script>")[0])
    grid, columns = data["operations"]["grid"], data["operations"]["grid"]["columns"]
    lowest = math.floor(math.log10(min(data["operations"]["d"])))
    decades = math.ceil(math.log10(max(data["operations"]["d"]) + 1)) - lowest
    cells = cells_of(grid)

    def means(places: list[int]) -> list[list[float]]:
        boxes = []
        for place in places:
            row, column = divmod(place, columns)
            high, low = (1 - (edge / grid["rows"] - lowest) / decades for edge in (row + 1, row))
            boxes.append([column / columns, high, (column + 1) / columns, low])
        found: list[list[float]] = page.evaluate(MEANS_OF_CELLS, boxes)
        return found

    def is_quiet(place: int) -> bool:
        """Whether no fault shades this cell, and no line of quantiles crosses it."""
        at = (place % columns + 0.5) / columns * data["end"]
        return not any(begin - 0.2 <= at <= end + 0.2 for begin, end, *_ in data["faults"])

    few = [place for place, counts in cells.items() if counts == {"ok": 1} and is_quiet(place)]
    many = [place for place, counts in cells.items() if counts.get("ok", 0) >= 8 and is_quiet(place)]
    failed = [place for place, counts in cells.items() if set(counts) == {"fail"}]
    rows = range(lowest * grid["rows"] + 1, (lowest + decades) * grid["rows"] - 6)
    every = (row * columns + column for row in rows for column in range(3, columns - 3))
    none = [place for place in every if place not in cells and is_quiet(place)]
    assert min(map(len, (few, many, failed, none))) >= 20

    def bluer(places: list[int], share: float) -> float:
        """How blue a share of these cells is at most."""
        found = sorted(blue - red for red, _, blue in means(places[:200]))
        return found[int(share * len(found))]

    least, most = bluer(few, 0.5), bluer(many, 0.5)
    assert bluer(none, 0.9) < least < most, "the more operations, the stronger the colour"
    assert sum(red - green > 8 for red, green, _ in means(failed)) > 0.9 * len(failed), "fail has its own"
    page.locator(".chart-bar select").nth(1).select_option("fail")
    assert bluer(many, 0.9) < least, "what is filtered out is not drawn"
    assert complaints == []
    page.context.close()


@pytest.mark.campaign
@pytest.mark.parametrize("name", simulated.OF_CLASS)
def test_the_picture_of_each_class_of_violation_is_all_in_the_first_screen(
    browser: Any, name: str, tmp_path: Path
) -> None:
    page, _, _ = opened(browser, of_class(name), tmp_path)
    box = page.locator("svg.scene").bounding_box()
    assert box["y"] + box["height"] <= SCREEN["height"]
    assert page.locator("svg.scene .impossible").count() >= 1
    page.context.close()
