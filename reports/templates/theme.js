// Dark or light by choice, in a report and in the pages over all runs; the choice is kept where the browser allows it.
(() => {
  "use strict";
  const root = document.documentElement;
  const themes = { "": "colours: system", light: "colours: light", dark: "colours: dark" };
  const theme = document.createElement("button");
  theme.className = "theme";
  theme.type = "button";
  const choose = (name) => {
    if (name) root.dataset.theme = name; else delete root.dataset.theme;
    theme.textContent = themes[name];
    dispatchEvent(new Event("themechange"));
  };
  let chosen = "";
  try { chosen = localStorage.getItem("ackproof-theme") || ""; } catch { /* storage is off */ }
  choose(chosen in themes ? chosen : "");
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    choose(names[(names.indexOf(root.dataset.theme || "") + 1) % names.length]);
    try { localStorage.setItem("ackproof-theme", root.dataset.theme || ""); } catch { /* storage is off */ }
  });
  const place = () => (document.querySelector("nav .page") || document.querySelector("header")).append(theme);
  if (document.querySelector("main")) place(); else addEventListener("DOMContentLoaded", place);
})();
