"use strict";
// Draws the plots over their printed form. Everything it needs is in this file; nothing is fetched.
(async () => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);

  // {"var": "--bad"} becomes the colour that the theme has for it.
  const themed = (value, style) => {
    if (Array.isArray(value)) return value.map((one) => themed(one, style));
    if (value === null || typeof value !== "object") return value;
    if (typeof value.var === "string") return style.getPropertyValue(value.var).trim();
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, themed(one, style)]));
  };
  const config = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset" };
  const draw = (id) => {
    const style = getComputedStyle(document.documentElement);
    const { data, layout } = themed(plots[id], style);
    const live = document.querySelector(`#${id} .live`);
    return Plotly.react(live, data, layout, config);
  };
  const zoom = (live, how) => {
    if (how === "reset") return Plotly.relayout(live, live.initial);
    const [low, high] = live._fullLayout.xaxis.range.map((end) => live._fullLayout.xaxis.r2l(end));
    const part = how === "in" ? 0.25 : -0.5;
    const ends = [low + part * (high - low), high - part * (high - low)];
    return Plotly.relayout(live, { "xaxis.range": ends.map((end) => live._fullLayout.xaxis.l2r(end)) });
  };
  for (const id of Object.keys(plots)) {
    const figure = document.getElementById(id);
    const live = figure.querySelector(".live");
    live.hidden = false;
    figure.classList.add("drawn");
    await draw(id);
    await new Promise((done) => { setTimeout(done); }); // so that a long report can be read meanwhile
    live.initial = { "xaxis.range": live._fullLayout.xaxis.range.slice() };
    const tools = figure.querySelector(".tools");
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const how = event.target.dataset.zoom;
      if (how) zoom(live, how);
    });
  }
  const redraw = () => Promise.all(Object.keys(plots).map(draw));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  document.documentElement.dataset.drawn = "yes";
})();

// On paper nothing is folded away, but for the data.
const folded = () => document.querySelectorAll("details:not([open])");
const opened = [];
addEventListener("beforeprint", () => {
  for (const one of folded()) {
    if (one.closest(".data")) continue;
    one.open = true;
    opened.push(one);
  }
});
addEventListener("afterprint", () => { for (const one of opened.splice(0)) one.open = false; });

// What a number links to may be folded away, and within something that is.
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
  target.scrollIntoView({ block: "center" });
};
addEventListener("hashchange", unfold);
unfold();
