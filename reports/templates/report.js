// The page is complete without this script. It adds tooltips for bars and points, buttons that copy, and opens
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

  // A title drawn by the browser comes late and cannot be styled: while the pointer is on it, its words stand in the
  // tooltip instead.
  for (const title of document.querySelectorAll("svg rect > title, svg g.op > title")) {
    const owner = title.parentElement, words = title.textContent;
    owner.addEventListener("mouseenter", () => title.remove());
    owner.addEventListener("mousemove", (event) => show(words, event));
    owner.addEventListener("mouseleave", () => { hide(); owner.prepend(title); });
  }

  for (const text of navigator.clipboard ? document.querySelectorAll("#command, #picture-text") : []) {
    const copy = document.createElement("button");
    copy.className = "copy";
    copy.textContent = "copy";
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = "copied";
    });
    text.after(copy);
  }

  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
