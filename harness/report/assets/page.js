"use strict";
(() => {
  const byId = (id) => document.getElementById(id);

  // light and dark: the reader's system decides until the button is pressed
  const button = byId("theme");
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const remember = (value) => { try { localStorage.setItem("indigo-report-theme", value); } catch { /* not allowed here */ } };
  const remembered = () => { try { return localStorage.getItem("indigo-report-theme"); } catch { return null; } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();

  // the list of assertions
  const form = byId("filter");
  if (form) {
    const rows = [...document.querySelectorAll("#assertion-table tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      const outcome = byId("filter-outcome").value;
      const tier = byId("filter-tier").value;
      const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        const match = (!outcome || row.dataset.outcome === outcome) && (!tier || row.dataset.tier === tier)
          && words.every((word) => texts[index].includes(word));
        row.hidden = !match;
        shown += match;
      });
      byId("filter-count").textContent = `${shown} of ${rows.length} shown`;
      byId("no-match").hidden = shown > 0;
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", apply);
    apply();
  }

  // the graph: a component that is pointed at or focused shows its own edges
  for (const graph of document.querySelectorAll("figure.graph svg")) {
    const edges = [...graph.querySelectorAll(".edge[data-from]")];
    const nodes = [...graph.querySelectorAll(".node")];
    const light = (name) => {
      const near = new Set([name]);
      for (const edge of edges) {
        const own = edge.dataset.from === name || edge.dataset.to === name;
        edge.classList.toggle("own", own);
        if (own) near.add(edge.dataset.from).add(edge.dataset.to);
      }
      for (const node of nodes) node.classList.toggle("near", near.has(node.dataset.name));
      graph.classList.add("lit");
    };
    const dark = () => graph.classList.remove("lit");
    // the drawing is one picture to a screen reader; with the keyboard its components can be walked
    graph.setAttribute("role", "group");
    for (const node of nodes) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "img");
      node.setAttribute("aria-label", node.querySelector("title").textContent.replaceAll("\n", ", "));
      for (const on of ["pointerenter", "focus"]) node.addEventListener(on, () => light(node.dataset.name));
      for (const off of ["pointerleave", "blur"]) node.addEventListener(off, dark);
    }
  }

  // on paper everything is open
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
})();
