// Charts that can be zoomed and filtered, drawn by uPlot from the data in the page. The static pictures stay where
// this script does not run. All charts share one time axis and one cursor. Texts are set as texts, never as markup.
(() => {
  "use strict";
  const source = document.getElementById("chart-data");
  if (!source || typeof uPlot === "undefined") return;
  const data = JSON.parse(source.textContent);
  const charts = [];
  const drawn = [];
  const wanted = { kind: "", outcome: "", node: "", process: "", key: "", text: "" };
  const OUTCOMES = { o: "ok", f: "fail", i: "info" };
  const DASHES = [[], [8, 3], [2, 3], [9, 3, 2, 3], [14, 4], [4, 4], [12, 3, 2, 3, 2, 3], [1, 5]];

  const make = (tag, attributes = {}, text = null) => {
    const found = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
    if (text !== null) found.textContent = text;
    return found;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const took = (us) => us < 1e3 ? `${us} µs` : us < 1e6 ? `${(us / 1e3).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`;
  const at = (s) => `${s.toFixed(3)} s`;

  // ---- one time axis -------------------------------------------------------------------------------------------
  let range = [0, data.end];
  const shown = make("span", { class: "range", "aria-live": "polite" });
  const zoom = (from, to) => {
    const width = Math.min(Math.max(to - from, data.end / 1e6), data.end);
    const begin = Math.min(Math.max(from, 0), data.end - width);
    range = [begin, begin + width];
    for (const chart of charts) chart.setScale("x", { min: range[0], max: range[1] });
    shown.textContent = width >= data.end ? "the whole run" : `${at(range[0])} to ${at(range[1])}`;
    list();
  };
  const keys = {
    ArrowLeft: (w) => zoom(range[0] - w / 4, range[1] - w / 4),
    ArrowRight: (w) => zoom(range[0] + w / 4, range[1] + w / 4),
    "+": (w) => zoom(range[0] + w / 4, range[1] - w / 4),
    "=": (w) => zoom(range[0] + w / 4, range[1] - w / 4),
    "-": (w) => zoom(range[0] - w / 2, range[1] + w / 2),
    "0": () => zoom(0, data.end),
    Escape: () => moment === null ? zoom(0, data.end) : choose(null),
  };
  const onKey = (event) => {
    if (event.key === "," || event.key === ".") {
      event.preventDefault();
      const step = (range[1] - range[0]) / 100;
      choose(Math.min(Math.max((moment ?? (range[0] + range[1]) / 2) + (event.key === "," ? -step : step), 0), data.end));
      return;
    }
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(range[1] - range[0]);
  };

  // ---- what all charts draw ------------------------------------------------------------------------------------
  const clipped = (u, draw) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.setLineDash([]);
    draw(ctx, bbox, devicePixelRatio);
    ctx.restore();
  };
  const faults = (u) => clipped(u, (ctx, box) => {
    for (const [from, to, label, hue] of data.faults) {
      if (to < range[0] || from > range[1]) continue;
      const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
      ctx.globalAlpha = .14;
      ctx.fillStyle = colour(hue) || colour("other");
      ctx.fillRect(left, box.top, Math.max(right - left, 1), box.height);
    }
    ctx.globalAlpha = 1;
  });
  // The name stays in sight however far one zooms in, and nothing that is drawn hides it.
  const names = (u) => clipped(u, (ctx, box, ratio) => {
    let row = 0;
    ctx.font = `${10 * ratio}px sans-serif`;
    ctx.lineWidth = 3 * ratio;
    ctx.lineJoin = "round";
    ctx.strokeStyle = colour("paper");
    ctx.fillStyle = colour("ink");
    for (const [from, to, label] of data.faults) {
      if (to < range[0] || from > range[1]) continue;
      const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
      const x = Math.max(left, box.left) + 3 * ratio;
      const room = Math.min(right, box.left + box.width) - x;
      const words = [label, label.split(" (")[0], label.split(" ")[0]].find((one) => ctx.measureText(one).width < room);
      if (words) {
        const y = box.top + (10 + 11 * (row++ % 3)) * ratio;
        ctx.strokeText(words, x, y);
        ctx.fillText(words, x, y);
      }
    }
  });
  const violation = (u) => data.violation !== null && clipped(u, (ctx, box, ratio) => {
    const x = u.valToPos(data.violation, "x", true);
    ctx.strokeStyle = ctx.fillStyle = colour("invalid");
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([6 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, box.top);
    ctx.lineTo(x, box.top + box.height);
    ctx.stroke();
    ctx.font = `bold ${12 * ratio}px sans-serif`;
    ctx.fillText("✕", x + 2 * ratio, box.top + box.height - 4 * ratio);
  });

  const chosenMoment = (u) => moment !== null && clipped(u, (ctx, box, ratio) => {
    const x = u.valToPos(moment, "x", true);
    ctx.strokeStyle = ctx.fillStyle = colour("ink");
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, box.top);
    ctx.lineTo(x, box.top + box.height);
    ctx.stroke();
    ctx.fillRect(x - 3 * ratio, box.top, 6 * ratio, 4 * ratio);
  });

  const build = (host, title, height, series, values, more = {}) => {
    const box = make("div", { class: "live", tabindex: "0", role: "group", "aria-label": `${title}. Arrow keys move, plus and minus zoom, 0 shows the whole run, comma and full stop choose a moment.` });
    box.addEventListener("keydown", onKey);
    const axis = { stroke: () => colour("soft"), grid: { stroke: () => colour("rule"), width: .7 }, ticks: { show: false }, font: "11px sans-serif" };
    const chart = new uPlot({
      width: host.closest("figure").clientWidth || 980,
      height,
      cursor: { sync: { key: "run" }, drag: { x: true, y: false, setScale: false }, focus: { prox: 24 } },
      legend: { live: true, show: more.legend !== false },
      scales: { x: { time: false, min: 0, max: data.end }, y: more.scale || {} },
      axes: [
        { ...axis, size: 28, values: (_, ticks) => ticks.map((tick) => `${+tick.toFixed(4)} s`) },
        { ...axis, size: 66, show: more.axis !== false, values: more.values },
      ],
      series: [{ label: "time", value: (_, value) => value === null ? "" : at(value) }, ...series],
      hooks: {
        drawClear: [faults],
        draw: [...(more.draw ? [more.draw] : []), names, violation, chosenMoment],
        setSelect: [(u) => {
          if (u.select.width < 3) return;
          const [from, to] = [u.select.left, u.select.left + u.select.width].map((x) => u.posToVal(x, "x"));
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          zoom(from, to);
        }],
        ...(more.hooks || {}),
      },
    }, values, box);
    chart.over.addEventListener("dblclick", () => zoom(0, data.end));
    let pressed = null;
    chart.over.addEventListener("mousedown", (event) => { pressed = event.clientX; });
    chart.over.addEventListener("click", (event) => {
      if (pressed !== null && Math.abs(event.clientX - pressed) < 4) choose(chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x"));
    });
    // The key of a line shows its dashes as well as its colour.
    chart.root.querySelectorAll(".u-series").forEach((row, n) => {
      const marker = row.querySelector(".u-marker");
      if (!n || !marker || !series[n - 1].key) return;
      const key = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(key.namespaceURI, "path");
      for (const [name, value] of Object.entries({ width: 26, height: 8, "aria-hidden": "true" })) key.setAttribute(name, value);
      path.setAttribute("class", series[n - 1].key);
      path.setAttribute("d", "M0 4H26");
      key.append(path);
      marker.replaceWith(key);
    });
    charts.push(chart);
    const figure = host.closest("figure");
    if (more.title) box.prepend(make("p", { class: "live-title" }, title));
    figure.querySelector(".scroll").before(box);
    figure.classList.add("has-live");
    tools(figure, box, chart, title, Boolean(more.title));
    return chart;
  };

  // The PNG is what is on the screen, zoom and filters included; the SVG is the picture that is printed.
  const tools = (figure, box, chart, title, isOfSeveral) => {
    const row = make("p", { class: "chart-tools" });
    const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    pictures.button(row, "PNG (as shown)", () => {
      // On the page's own background, with its title and legend, so that the picture stands alone.
      const from = chart.ctx.canvas, ratio = devicePixelRatio, picture = make("canvas");
      picture.width = from.width;
      picture.height = from.height + 44 * ratio;
      const ctx = picture.getContext("2d");
      ctx.fillStyle = colour("paper");
      ctx.fillRect(0, 0, picture.width, picture.height);
      ctx.drawImage(from, 0, 24 * ratio);
      ctx.fillStyle = colour("ink");
      ctx.font = `bold ${13 * ratio}px sans-serif`;
      ctx.fillText(`${title}, ${shown.textContent}`, 8 * ratio, 16 * ratio);
      ctx.font = `${11 * ratio}px sans-serif`;
      let x = 8 * ratio;
      chart.series.forEach((series, n) => {
        if (!n || !series.label || !series.show) return;
        const y = picture.height - 8 * ratio;
        ctx.strokeStyle = series.stroke(chart, n);
        ctx.lineWidth = 2 * ratio;
        ctx.setLineDash((series.dash || []).map((part) => part * ratio));
        ctx.beginPath();
        ctx.moveTo(x, y - 4 * ratio);
        ctx.lineTo(x + 28 * ratio, y - 4 * ratio);
        ctx.stroke();
        ctx.fillText(series.label, x + 32 * ratio, y);
        x += ctx.measureText(series.label).width + 52 * ratio;
      });
      picture.toBlob((blob) => pictures.save(blob, `${name}.png`));
    });
    const picture = figure.querySelector(".live") === box && figure.querySelector("svg.plot");
    if (picture) pictures.button(row, isOfSeveral ? "SVG (all charts here, whole run)" : "SVG (whole run)", () => pictures.asSvg(picture, name));
    box.after(row);
  };

  // ---- latency: a grid of all operations from afar, marks of a choice from near, or while filtering --------------
  const operations = data.operations;
  const rows = [];
  if (operations) {
    let time = 0, index = 0;
    for (let n = 0; n < operations.t.length; n++) {
      time += operations.t[n];
      index += operations.i[n];
      const name = (column) => column.v[n] < 0 ? "" : column.names[column.v[n]];
      rows.push({ t: time / 1e6, d: Math.max(operations.d[n], 1), outcome: OUTCOMES[operations.o[n]], index, process: operations.p[n], kind: name(operations.f), node: name(operations.n), key: name(operations.k), value: operations.v[n] });
    }
  }
  const isFiltered = () => Object.values(wanted).some(Boolean);
  const fits = (row) => (!wanted.kind || row.kind === wanted.kind) && (!wanted.outcome || row.outcome === wanted.outcome)
    && (!wanted.node || row.node === wanted.node) && (!wanted.process || String(row.process) === wanted.process)
    && (!wanted.key || row.key.includes(wanted.key))
    && (!wanted.text || `${row.index} ${row.kind} ${row.key} ${row.value} ${row.node} ${row.outcome}`.includes(wanted.text));
  const inSight = () => rows.filter((row) => row.t >= range[0] && row.t <= range[1] && fits(row));
  let cells = null;
  const grid = () => {
    if (cells) return cells;
    const { columns, cells: found } = operations.grid, byPlace = new Map();
    for (const [outcome, [places, counts]] of Object.entries(found)) {
      let place = 0;
      places.forEach((step, n) => {
        place += step;
        if (!byPlace.has(place)) byPlace.set(place, { column: place % columns, row: Math.floor(place / columns), ok: 0, fail: 0, info: 0, all: 0 });
        const cell = byPlace.get(place);
        cell[outcome] = counts[n];
        cell.all += counts[n];
      });
    }
    return (cells = [...byPlace.values()]);
  };
  const drawLatency = (u) => clipped(u, (ctx, box, ratio) => {
    const near = inSight();
    const isSampled = operations.total > rows.length;
    const isGrid = Object.entries(wanted).every(([field, value]) => !value || field === "outcome");  // a grid knows outcomes alone
    if (isGrid && isSampled && near.length > 900) {
      const { columns, rows: perDecade } = operations.grid, width = data.end / columns;
      const most = Math.log(1 + Math.max(...grid().map((cell) => cell.all)));
      const fills = { ok: colour("ok"), fail: colour("fail"), info: colour("info") };
      for (const cell of grid()) {
        const left = u.valToPos(cell.column * width, "x", true), right = u.valToPos((cell.column + 1) * width, "x", true);
        if (right < box.left || left > box.left + box.width) continue;
        const top = u.valToPos(10 ** ((cell.row + 1) / perDecade), "y", true), bottom = u.valToPos(10 ** (cell.row / perDecade), "y", true);
        const counted = wanted.outcome ? cell[wanted.outcome] : cell.all, high = Math.max(bottom - top - .5, 1);
        let x = left;
        const strength = .15 + .85 * Math.log(1 + counted) / most;
        for (const outcome of ["ok", "fail", "info"]) {
          if (!cell[outcome] || (wanted.outcome && outcome !== wanted.outcome)) continue;
          // Each outcome is as wide as its share; what did not end ok is a line and no block.
          const share = cell[outcome] / counted * Math.max(right - left - .5, 1);
          const [above, part] = { ok: [0, 1], fail: [.3, .4], info: [0, .3] }[outcome];
          ctx.globalAlpha = outcome === "ok" ? strength : Math.max(strength, .6);  // so that a single one is seen
          ctx.fillStyle = fills[outcome];
          ctx.fillRect(x, top + above * high, share, part * high);
          x += share;
        }
      }
      return;
    }
    ctx.lineWidth = 1.4 * ratio;
    for (const row of near) {
      const x = u.valToPos(row.t, "x", true), y = u.valToPos(row.d, "y", true), r = 2.8 * ratio;
      ctx.strokeStyle = ctx.fillStyle = colour(row.outcome);
      ctx.beginPath();
      if (row.outcome === "ok") { ctx.globalAlpha = .6; ctx.arc(x, y, 1.5 * ratio, 0, 7); ctx.fill(); continue; }
      ctx.globalAlpha = 1;
      if (row.outcome === "fail") { ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x + r, y - r); ctx.lineTo(x - r, y + r); }
      else { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y + r); ctx.lineTo(x - r, y + r); ctx.closePath(); }
      ctx.stroke();
    }
  });

  const host = (id) => document.getElementById(`plot-${id}`)?.closest(".scroll");
  const buildLatency = () => {
    const place = operations && host("latency");
    if (!place) return;
    const { t, names, v } = operations.quantiles;
    const series = names.map((name, n) => ({ label: name, key: `quantile q${name.slice(1)}`, stroke: () => colour("ink"), width: 1.2, dash: DASHES[n], points: { show: false }, value: (_, value) => value === null ? "" : took(value) }));
    let low = 1e9, high = 1;
    for (const row of rows) { low = Math.min(low, row.d); high = Math.max(high, row.d); }
    const bounds = [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high + 1))];
    const empty = v[0].length ? null : [0, data.end];
    build(place, "Latency of operations", 300, series, empty ? [empty, ...names.map(() => [null, null])] : [t, ...v],
      { scale: { distr: 3, range: bounds }, draw: drawLatency, values: (_, ticks) => ticks.map((tick) => tick === null || !Number.isInteger(Math.log10(tick)) ? "" : took(tick)) });
  };

  // ---- roles, and lines ----------------------------------------------------------------------------------------
  const buildRoles = () => {
    const place = data.roles.length && host("roles");
    if (!place) return;
    const lane = 26, above = data.faults.length ? 36 : 0;  // room for the names of faults
    build(place, "Roles and terms", data.roles.length * lane + 40 + above, [{ show: false, label: "" }], [[0, data.end], [0, 1]], {
      legend: false,
      scale: { range: [0, data.roles.length] },
      values: (_, ticks) => ticks.map(() => ""),
      draw: (u) => {
        const { ctx, bbox } = u, ratio = devicePixelRatio, top = bbox.top + above * ratio, height = (bbox.height - above * ratio) / data.roles.length;
        ctx.save();
        ctx.font = `${11 * ratio}px sans-serif`;
        ctx.fillStyle = colour("ink");
        ctx.textAlign = "right";
        ctx.textBaseline = "alphabetic";
        data.roles.forEach((one, n) => ctx.fillText(one.node, bbox.left - 8 * ratio, top + (n + .62) * height));
        ctx.restore();
        clipped(u, () => data.roles.forEach((one, n) => {
          if (!isOfNode(one.node)) return;
          for (const [state, term, from, to] of one.states) {
            if (to < range[0] || from > range[1]) continue;
            const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true), y = top + n * height + 3 * ratio, h = height - 6 * ratio;
            ctx.globalAlpha = state === "paused" ? .5 : 1;
            ctx.fillStyle = colour({ down: "hair", paused: "pause" }[state] || state);
            ctx.fillRect(left, y, Math.max(right - left, 1), h);
            if (state === "down") { ctx.strokeStyle = colour("kill"); ctx.lineWidth = ratio; ctx.strokeRect(left, y, Math.max(right - left, 1), h); }
            const words = state === "leader" ? `leader ${term}` : state === "follower" ? String(term || "") : `${state} ${term || ""}`;
            const x = Math.max(left, bbox.left) + 3 * ratio;
            if (Math.min(right, bbox.left + bbox.width) - x > ctx.measureText(words).width + 2) {
              ctx.globalAlpha = 1;
              ctx.font = `${10 * ratio}px sans-serif`;
              ctx.fillStyle = state === "leader" || state === "paused" ? colour("paper") : state === "candidate" ? "#1b1d21" : colour("soft");
              ctx.fillText(words, x, y + h * .72);
            }
          }
        }));
      },
    });
  };
  // Values come as differences from the known one before, in hundredths.
  const values = (differences) => { let known = 0; return differences.map((one) => one === null ? null : (known += one) / 100); };
  for (const chart of data.charts) for (const line of chart.lines) line.v = values(line.v);
  const buildLines = (chart) => {
    const place = host(chart.id);
    if (!place || !chart.lines.length) return;
    const series = chart.lines.map((line) => ({
      label: line.name,
      key: line.outcome ? `out-key out-${line.outcome}` : `node-key n-${line.hue}${line.thin ? " thin" : ""}`,
      stroke: () => line.outcome ? colour(line.outcome) : colour(`line-${line.hue}`),
      dash: line.outcome ? { ok: [], fail: [6, 3], info: [2, 3] }[line.outcome] : DASHES[line.hue],
      width: line.thin ? .8 : 1.6,
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    }));
    const made = build(place, chart.title, 190, series, [[...chart.lines[0].v.map((_, n) => n * chart.step), data.end], ...chart.lines.map((line) => [...line.v, line.v.at(-1)])], { title: chart.id === "resources" });
    drawn.push({ chart: made, lines: chart.lines });
  };

  // ---- one moment: states, faults, links and lines of logs ---------------------------------------------------
  let moment = null;
  const pane = make("section", { id: "moment", "aria-label": "At one moment", tabindex: "0" });
  pane.addEventListener("keydown", onKey);
  const lines = [];
  if (data.lines) {
    const { nodes, texts, t, n, i, x } = data.lines, last = {};
    let time = 0;
    for (let k = 0; k < t.length; k++) {
      time += t[k];
      const node = nodes[n[k]];
      lines.push({ t: time / 1e6, node, text: texts[x[k]], left: i[k] - (last[node] || 0) - 1 });
      last[node] = i[k];
    }
  }
  const BEFORE = 12, AFTER = 12;
  const isOfNode = (name) => !wanted.node || name === wanted.node || name.startsWith(`${wanted.node} `);
  const log = () => {
    const fitting = lines.filter((line) => isOfNode(line.node) && (!wanted.text || line.text.includes(wanted.text)));
    let first = fitting.findIndex((line) => line.t > moment);
    if (first < 0) first = fitting.length;
    const table = make("table", { "aria-label": `Lines of logs and traces around ${at(moment)}` }), body = make("tbody");
    table.append(body);
    fitting.slice(Math.max(first - BEFORE, 0), first + AFTER).forEach((line, place) => {
      const here = Math.max(first - BEFORE, 0) + place;
      const row = make("tr", { class: here === first - 1 ? "now" : here === first ? "next" : "" });
      const text = make("td", { class: "line" }, line.text);
      if (line.left > 0) text.append(make("span", { class: "muted" }, ` (${line.left} before it not kept)`));
      row.append(make("td", { class: "n" }, at(line.t)), make("td", {}, line.node), text);
      body.append(row);
    });
    const scroll = make("div", { class: "scroll" });
    scroll.append(lines.length ? table : make("p", { class: "none" }, "The run holds no traces, and no logs whose lines have a time."));
    return scroll;
  };
  const facts = () => {
    const found = make("ul", { class: "facts" });
    for (const one of data.roles) {
      if (!isOfNode(one.node)) continue;
      const states = one.states.filter(([, , from, to]) => from <= moment && moment < to).map(([state, term]) => term ? `${state} of term ${term}` : state);
      const commits = data.charts.find((chart) => chart.id === "commits");
      const line = commits && commits.lines.find((series) => series.name === `${one.node} commit`);
      const commit = line && line.v[Math.min(Math.floor(moment / data.end * line.v.length), line.v.length - 1)];
      found.append(make("li", {}, `${one.node}: ${states.join(", ") || "not known"}${commit === null || commit === undefined ? "" : `, commit index ${commit}`}`));
    }
    const struck = data.faults.filter(([from, to]) => from <= moment && moment < to).map(([, , label]) => label);
    found.append(make("li", {}, struck.length ? `faults: ${struck.join("; ")}` : "no fault"));
    return found;
  };
  const graph = () => {
    const state = [...document.querySelectorAll(".graph[data-from]")].find((one) => +one.dataset.from <= moment && moment < +one.dataset.to);
    if (!state) return [];
    const copy = state.cloneNode(true);
    copy.removeAttribute("id");
    copy.querySelector(".chart-tools")?.remove();
    for (const one of copy.querySelectorAll("[id]")) one.id = `now-${one.id}`;
    for (const one of copy.querySelectorAll("[marker-end]")) one.setAttribute("marker-end", one.getAttribute("marker-end").replace("#", "#now-"));
    for (const one of copy.querySelectorAll("[aria-labelledby]")) one.setAttribute("aria-labelledby", one.getAttribute("aria-labelledby").replace(/\S+/g, "now-$&"));
    return [copy];
  };
  const choose = (time) => {
    moment = time;
    for (const chart of charts) chart.redraw(false);
    if (time === null) { pane.remove(); return; }
    const head = make("div", { class: "head" });
    const heading = make("h2", {}, `At ${at(moment)}`);
    const close = make("button", { type: "button" }, "close");
    close.addEventListener("click", () => choose(null));
    const kept = data.lines && data.lines.total > lines.length ? `${lines.length} of ${data.lines.total} lines are kept in this page` : "";
    head.append(heading, make("span", { class: "muted" }, kept), close);
    const parts = make("div", { class: "parts" });
    parts.append(...graph(), log());
    pane.replaceChildren(head, facts(), parts);
    document.getElementById("charts").append(pane);
  };

  // ---- what is chosen ------------------------------------------------------------------------------------------
  const found = make("div", { class: "found" });
  const list = () => {
    found.replaceChildren();
    if (!isFiltered()) return;
    const all = inSight(), words = operations.total > rows.length ? ` (searched: ${rows.length} of ${operations.total} operations)` : "";
    found.append(make("p", { class: "muted", role: "status" }, `${all.length} operations fit${words}; the first ${Math.min(all.length, 50)}:`));
    const table = make("table", { class: "ops" }), names = make("tr");
    for (const name of ["operation", "began", "kind", "key", "value", "outcome", "took", "node", "process"]) names.append(make("th", { scope: "col" }, name));
    table.append(names);
    for (const row of all.slice(0, 50)) {
      const line = make("tr");
      const first = make("td", { class: "n" });
      first.append(document.getElementById(`op-${row.index}`) ? make("a", { href: `#op-${row.index}` }, String(row.index)) : String(row.index));
      line.append(first, ...[at(row.t), row.kind, row.key, row.value, row.outcome, took(row.d), row.node, row.process].map((text) => make("td", {}, text)));
      table.append(line);
    }
    const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Operations that fit" });
    scroll.append(table);
    found.append(scroll);
  };
  // Lines of other nodes, and of other outcomes, are hidden.
  const filterLines = () => {
    for (const { chart, lines: own } of drawn) own.forEach((line, n) => {
      const show = line.outcome ? !wanted.outcome || line.outcome === wanted.outcome : isOfNode(line.name) || !operations?.n.names.some((node) => line.name === node || line.name.startsWith(`${node} `));
      if (chart.series[n + 1].show !== show) chart.setSeries(n + 1, { show });
    });
  };
  const redraw = () => {
    filterLines(); for (const chart of charts) chart.redraw(false); list(); if (moment !== null) choose(moment); };
  const toolbar = () => {
    const bar = make("form", { class: "chart-bar", "aria-label": "Zoom and filter" });
    bar.addEventListener("submit", (event) => event.preventDefault());
    const field = (name, choices) => {
      const label = make("label", {}, `${name} `);
      const input = make(choices ? "select" : "input", choices ? {} : { size: "9", type: "text" });
      if (choices) for (const choice of ["", ...choices]) input.append(make("option", { value: choice }, choice || "all"));
      input.addEventListener("input", () => { wanted[name] = input.value.trim(); redraw(); });
      label.append(input);
      bar.append(label);
    };
    if (operations) {
      field("kind", operations.f.names);
      field("outcome", ["ok", "fail", "info"]);
      field("node", operations.n.names);
      field("process");
      field("key");
      field("text");
    }
    const button = (words, act) => { const one = make("button", { type: "button" }, words); one.addEventListener("click", act); bar.append(one); };
    button("−", () => keys["-"](range[1] - range[0]));
    button("+", () => keys["+"](range[1] - range[0]));
    button("whole run", () => zoom(0, data.end));
    if (data.violation !== null) button("✕ violation", () => { const w = data.end / 20; zoom(data.violation - w, data.violation + w); choose(data.violation); });
    const label = make("label", {}, "moment (s) "), input = make("input", { type: "text", size: "6", inputmode: "decimal" });
    input.addEventListener("change", () => { const time = parseFloat(input.value); choose(Number.isFinite(time) ? Math.min(Math.max(time, 0), data.end) : null); });
    label.append(input);
    bar.append(label);
    bar.append(shown);
    document.getElementById("latency").querySelector("h2").after(bar, found);
  };

  toolbar();
  buildLatency();
  buildRoles();
  data.charts.forEach(buildLines);
  zoom(0, data.end);
  addEventListener("resize", () => { for (const chart of charts) { const width = chart.root.parentElement.clientWidth; if (width) chart.setSize({ width, height: chart.height }); } });
  addEventListener("themechange", redraw);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-from]");
    if (!link) return;
    const from = +link.dataset.from, to = +link.dataset.to, more = Math.max(to - from, data.end / 200);
    zoom(from - more, to + more);
    choose(from);
  });
  document.documentElement.dataset.charts = String(charts.length);
})();
