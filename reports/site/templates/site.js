// Two small helps: the search on a page that no server filters, and the page of what goes on now.
"use strict";

for (const input of document.querySelectorAll("input[data-filters]")) {
  const rows = [...document.querySelectorAll(`#${input.dataset.filters} tbody tr`)];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const count = document.getElementById("count");
  input.form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !texts[place].includes(wanted);
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} runs`;
  });
}

const live = document.getElementById("live");
if (live !== null) {
  const element = (name, text) => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };
  const section = (one) => {
    const made = document.createElement("section");
    made.append(element("h2", one.name), element("p", one.what), element("p", one.state));
    if (one.done !== null) {
      const progress = element("progress", "");
      progress.max = 1;
      progress.value = one.done;
      progress.setAttribute("aria-label", "done");
      const left = element("span", ` ${one.left}`);
      left.className = "muted";
      made.append(progress, left);
    }
    return made;
  };
  const ask = async () => {
    try {
      const answer = await fetch(live.dataset.source, { cache: "no-store" });
      const rows = await answer.json();
      const none = element("p", "Nothing runs.");
      none.className = "none";
      live.replaceChildren(...(rows.length ? rows.map(section) : [none]));
    } catch {
      live.replaceChildren(element("p", "The server does not answer."));
    }
    setTimeout(ask, 1000);
  };
  setTimeout(ask, 1000);
}
