// Runs the rest of the page's script after the first paint. Until the picture is on the screen, neither compiling that
// script nor drawing charts takes processor time from the browser. Where a browser reports no paint, a timer begins.
(() => {
  "use strict";
  const LATEST_MS = 3000;
  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    document.documentElement.dataset.painted = "";
    const script = document.createElement("script");
    script.textContent = document.getElementById("after-paint").textContent;
    document.body.append(script);
  };
  if (PerformanceObserver.supportedEntryTypes?.includes("paint")) {
    new PerformanceObserver((list) => {
      if (list.getEntriesByName("first-contentful-paint").length) begin();
    }).observe({ type: "paint", buffered: true });
  }
  setTimeout(begin, LATEST_MS);
  addEventListener("beforeprint", begin);
})();
