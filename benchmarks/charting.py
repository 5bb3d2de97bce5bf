"""What four charting libraries weigh, and how long each takes to draw and to zoom a line of 100,000 points.

    npm install --prefix FOLDER uplot echarts plotly.js-basic-dist-min vega
    python -m benchmarks.charting FOLDER [ROUNDS]

Each is loaded in turns in headless Chromium, in a page of its own, from its minified file. Printed are the
bytes of that file, plain and compressed, and the medians of the processor time of the page's main thread, in
milliseconds: to load the file, to draw the line, and to draw it again for a tenth of the time axis.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import sync_playwright

POINTS = 100_000


class Library(NamedTuple):
    """A library: its minified file below node_modules, and the scripts that draw with it and zoom."""

    file: str
    draw: str
    zoom: str


LIBRARIES: Mapping[str, Library] = {
    "uPlot": Library(
        "uplot/dist/uPlot.iife.min.js",
        "window.c = new uPlot({width: 980, height: 300, scales: {x: {time: false}},"
        " series: [{}, {stroke: 'blue'}]}, [xs, ys], box)",
        "c.setScale('x', {min: from, max: to})",
    ),
    "ECharts": Library(
        "echarts/dist/echarts.min.js",
        "window.c = echarts.init(box, null, {width: 980, height: 300}); c.setOption({animation: false,"
        " xAxis: {type: 'value', max: xs.length}, yAxis: {type: 'value'}, dataZoom: [{type: 'inside'}],"
        " series: [{type: 'line', showSymbol: false, data: xs.map((x, n) => [x, ys[n]])}]});"
        " c.getZr().flush()",
        "c.dispatchAction({type: 'dataZoom', startValue: from, endValue: to}); c.getZr().flush()",
    ),
    "Plotly basic": Library(
        "plotly.js-basic-dist-min/plotly-basic.min.js",
        "await Plotly.newPlot(box, [{x: xs, y: ys, mode: 'lines'}], {width: 980, height: 300})",
        "await Plotly.relayout(box, {'xaxis.range': [from, to]})",
    ),
    "Vega": Library(
        "vega/build/vega.min.js",
        "window.c = new vega.View(vega.parse({width: 980, height: 300,"
        " signals: [{name: 'from', value: 0}, {name: 'to', value: xs.length}],"
        " data: [{name: 'd', values: xs.map((x, n) => ({x, y: ys[n]}))}],"
        " scales: [{name: 'x', domain: [{signal: 'from'}, {signal: 'to'}], range: 'width', zero: false},"
        " {name: 'y', domain: {data: 'd', field: 'y'}, range: 'height'}],"
        " axes: [{orient: 'bottom', scale: 'x'}, {orient: 'left', scale: 'y'}],"
        " marks: [{type: 'line', clip: true, from: {data: 'd'}, encode: {update:"
        " {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'}, stroke: {value: 'blue'}}}}]}),"
        " {renderer: 'canvas', container: box}); await c.runAsync()",
        "await c.signal('from', from).signal('to', to).runAsync()",
    ),
}
PREPARE = """(points) => {
  let value = 0, seed = 1;
  window.xs = Array.from({ length: points }, (_, n) => n);
  window.ys = xs.map(() => { seed = seed * 16807 % 2147483647; return value += seed / 2147483647 - .5; });
  document.body.innerHTML = '<div id=box style="width:980px;height:300px"></div>';
  window.box = document.getElementById("box");
  window.from = points * .4; window.to = points * .5;
}"""
PAINTED = "await new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


def spent_ms(session: Any) -> float:
    """Processor time of the tasks of the page's main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration") * 1e3


def measured(browser: Any, library: Library, code: str) -> tuple[float, float, float]:
    """Milliseconds of processor time to load, to draw and to zoom."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.evaluate(PREPARE, POINTS)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    at = [spent_ms(session)]
    page.add_script_tag(content=code)
    at.append(spent_ms(session))
    for script in (library.draw, library.zoom):
        page.evaluate(f"async () => {{ {script}; {PAINTED} }}")
        at.append(spent_ms(session))
    assert page.evaluate("document.querySelector('#box canvas, #box svg') !== null")
    page.context.close()
    return at[1] - at[0], at[2] - at[1], at[3] - at[2]


def main(folder: Path, rounds: int) -> None:
    """Print a row for each library."""
    codes = {
        name: (folder / "node_modules" / one.file).read_text(encoding="utf-8")
        for name, one in LIBRARIES.items()
    }
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in LIBRARIES}
    with sync_playwright() as driver:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for _ in range(rounds):
            for name, library in LIBRARIES.items():
                seen[name].append(measured(browser, library, codes[name]))
        browser.close()
    print("| library | bytes | compressed | load, ms | draw, ms | zoom, ms |\n|---|---|---|---|---|---|")
    for name, code in codes.items():
        load, draw, zoom = (statistics.median(values) for values in zip(*seen[name], strict=True))
        small = len(gzip.compress(code.encode()))
        print(f"| {name} | {len(code.encode()):,} | {small:,} | {load:.0f} | {draw:.0f} | {zoom:.0f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
