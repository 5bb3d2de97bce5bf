// Saves what the page draws as files of their own: a picture with its colours and its ground, as SVG or as PNG.
const pictures = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const SCALE = 2; // points of a PNG for one of the page, so that it can be printed
  const ALONE = ":root { min-width: 0 !important; max-width: none !important; max-height: none !important; border: 0 !important; border-radius: 0 !important; }";

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
  };
  // The colours are those that the reader chose: the style sheet's names of colours hold in the picture, too.
  const standalone = (svg, size) => {
    const copy = svg.cloneNode(true), style = document.createElementNS(SVG, "style"), ground = document.createElementNS(SVG, "rect");
    const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim();
    style.textContent = document.querySelector("style").textContent + ALONE;
    const box = svg.viewBox.baseVal;
    for (const [name, value] of Object.entries({ x: box.x - 9, y: box.y - 9, width: box.width + 18, height: box.height + 18 })) ground.setAttribute(name, value);
    ground.setAttribute("fill", paper);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    copy.setAttribute("data-theme", document.documentElement.dataset.theme || dark);
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("width", size.width);
    copy.setAttribute("height", size.height);
    copy.prepend(style, ground);
    return new XMLSerializer().serializeToString(copy);
  };
  const size = (svg, scale) => {
    const box = svg.viewBox.baseVal;
    return { width: Math.round(box.width * scale), height: Math.round(box.height * scale) };
  };
  const asSvg = (svg, name) => save(new Blob([standalone(svg, size(svg, 1))], { type: "image/svg+xml" }), `${name}.svg`);
  const asPng = (svg, name) => {
    const image = new Image(), canvas = document.createElement("canvas");
    image.onload = () => {
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      canvas.getContext("2d").drawImage(image, 0, 0);
      canvas.toBlob((blob) => save(blob, `${name}.png`));
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(standalone(svg, size(svg, SCALE)));
  };
  const button = (row, words, act) => {
    const found = document.createElement("button");
    found.type = "button";
    found.textContent = words;
    found.addEventListener("click", act);
    row.append(found);
  };

  // The charts' own buttons come with them; these are the pictures that are no charts.
  for (const svg of document.querySelectorAll("figure svg[role=img]:not(.plot)")) {
    const row = document.createElement("p"), figure = svg.closest("figure");
    row.className = "chart-tools";
    const name = figure.id || svg.id || "picture";
    button(row, "PNG", () => asPng(svg, name));
    button(row, "SVG", () => asSvg(svg, name));
    (svg.closest(".scroll") || svg).after(row);
  }
  return { save, asSvg, button };
})();
