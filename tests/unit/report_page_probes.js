// What the tests of the report's page ask the browser; the file is one expression, an object of functions.
({
  // all text that a reader sees, with the rectangles of its lines and its style
  texts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const silent = ["SCRIPT", "STYLE", "TITLE", "title", "desc", "OPTION"];
    while (walker.nextNode()) {
      const node = walker.currentNode, owner = node.parentElement;
      if (!node.data.trim() || silent.includes(owner.tagName) || !owner.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      const cell = owner.closest("th");
      if (box.width < 2 || box.right < 0 || (cell && getComputedStyle(cell).clipPath !== "none")) continue;
      const lines = [...range.getClientRects()];
      found.push({ owner, lines, text: node.data.trim(), style: getComputedStyle(owner) });
    }
    return found;
  },

  small() {
    return this.texts().filter((t) => parseFloat(t.style.fontSize) < 11).map((t) => t.text);
  },

  // text below the contrast of WCAG AA (4.5 : 1), with its ratio
  faint() {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const bright = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const behind = (owner) => {
      const box = owner.closest(".node")?.querySelector(".box");
      if (box) return rgb(getComputedStyle(box).fill);
      for (let at = owner; at; at = at.parentElement) {
        const colour = rgb(getComputedStyle(at).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      throw new Error("nothing opaque behind the text");
    };
    return this.texts().map((t) => {
      const ink = bright(rgb(t.owner.namespaceURI.includes("svg") ? t.style.fill : t.style.color));
      const page = bright(behind(t.owner));
      return [t.text, (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
  },

  // pairs of texts, in charts and in the graph, that cover each other
  covered() {
    const texts = this.texts().filter((t) => t.owner.closest(".chart, figure svg"));
    const hits = [];
    const cover = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    texts.forEach((a, index) => texts.slice(index + 1).forEach((b) => {
      if (a.lines.some((one) => b.lines.some((other) => cover(one, other)))) hits.push(`${a.text} / ${b.text}`);
    }));
    return hits;
  },

  graph() {
    const size = (node) => { const b = node.getBBox(); return [b.x, b.y, b.width, b.height]; };
    const svg = document.querySelector("figure.graph svg");
    const nodes = [...svg.querySelectorAll(".node")];
    return {
      nodes: nodes.map((node) => size(node.querySelector(".box"))),
      texts: nodes.flatMap((node) => [...node.querySelectorAll("text")].map(
        (text) => [text.textContent, size(node.querySelector(".box")), size(text)])),
      edges: [...svg.querySelectorAll(".edge")].map((edge) => {
        const line = edge.querySelector(".line");
        return [size(line), getComputedStyle(line).stroke, edge.querySelector("title").textContent];
      }),
      all: [svg.width.baseVal.value, svg.height.baseVal.value],
    };
  },

  // of every sync, each row's bar: distance from the left of its track, width, distance from the right, height
  bars() {
    return [...document.querySelectorAll(".sync")].map((table) => [...table.querySelectorAll("tbody tr")].map((row) => {
      const bar = row.querySelector(".bar").getBoundingClientRect();
      const track = row.querySelector("td.bars").getBoundingClientRect();
      return [bar.left - track.left, bar.width, track.right - bar.right, bar.height];
    }));
  },

  rows() {
    return [...document.querySelectorAll("#assertion-table tbody tr")].filter((row) => row.checkVisibility()).length;
  },

  choose(field, value) {
    const input = document.getElementById(`filter-${field}`);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    return this.rows();
  },
})
