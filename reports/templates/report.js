// The page is complete without this script. It adds tooltips for bars and points, a copy button, and opens
// folded parts when a link leads into them. It sets everything as text, never as markup.
(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  const show = (text, event) => {
    tip.textContent = text;
    tip.hidden = false;
    const x = Math.min(event.pageX + 14, scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8);
    const below = event.clientY + 20 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(scrollX + 4, x)}px`;
    tip.style.top = `${below ? event.pageY + 16 : event.pageY - tip.offsetHeight - 10}px`;
  };
  const hide = () => { tip.hidden = true; };

  // A title drawn by the browser comes late and cannot be styled; its words move to the tooltip (and stay an aria label).
  for (const title of document.querySelectorAll("svg rect > title, svg g.op > title")) {
    const owner = title.parentElement;
    owner.setAttribute("aria-label", title.textContent);
    owner.addEventListener("mousemove", (event) => show(owner.getAttribute("aria-label"), event));
    owner.addEventListener("mouseleave", hide);
    title.remove();
  }

  const took = (ns) => ns < 1e6 ? `${(ns / 1e3).toPrecision(3)} µs` : ns < 1e9 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toPrecision(3)} s`;
  for (const chart of document.querySelectorAll("svg.points")) {
    const [left, right, from, to] = chart.dataset.x.split(" ").map(Number);
    let points = null;
    const read = () => [...chart.querySelectorAll("path[data-ops]")].flatMap((path) => {
      const operations = path.dataset.ops.split(" ");
      const [low, high, bottom, top] = path.dataset.y.split(" ").map(Number);
      return [...path.getAttribute("d").matchAll(/M(-?[\d.]+) (-?[\d.]+)/g)].map((match, i) => {
        const [x, y] = [Number(match[1]), Number(match[2])];
        const ns = low * (high / low) ** ((y - bottom) / (top - bottom));
        return { x, y, words: () => `${path.dataset.f} ${path.dataset.type}, about ${took(ns)}\nat ${(from + (x - left) / (right - left) * (to - from)).toFixed(2)} s\noperation ${operations[i]}` };
      });
    });
    chart.addEventListener("mousemove", (event) => {
      if (event.target.closest(".faults")) return;
      points ??= read();
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      let best = null, nearest = 64;
      for (const point of points) {
        const distance = (point.x - at.x) ** 2 + (point.y - at.y) ** 2;
        if (distance < nearest) { nearest = distance; best = point; }
      }
      if (best) show(best.words(), event); else hide();
    });
    chart.addEventListener("mouseleave", hide);
  }

  const command = document.getElementById("command");
  if (command && navigator.clipboard) {
    const copy = document.createElement("button");
    copy.className = "copy";
    copy.textContent = "copy";
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.textContent);
      copy.textContent = "copied";
    });
    command.after(copy);
  }

  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
