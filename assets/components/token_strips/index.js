// One text in rows of pieces, aligned: what stands below a character was made from it.
// Places are counted in half steps: 2p is the gap before character p, 2p + 1 the character itself.
// Pieces that stand for no character, as [CLS], stand in a gap.

const CELL = 24; // px, the narrowest a character gets: as narrow as a pointer can hit
const PADDING = 10; // px, of a piece and the space after it
const HINT = "Point at a piece: all that was made from the same characters lights up.";
const HINT_WITH_NOTES = "Point at a word: it lights up in every row.";
const mounted = new WeakMap(); // parentElement -> strips

export default function ({ data, parentElement }) {
  const strips = mounted.get(parentElement) ?? mount(parentElement);
  const said = JSON.stringify(data);
  if (said !== strips.said) {
    strips.said = said;
    read(strips, data);
    draw(strips);
  }
}

function mount(parentElement) {
  const root = make("div", { class: "strips" });
  const strips = { root, readout: make("p", { class: "readout", role: "status" }), box: make("div", { class: "box" }) };
  strips.box.setAttribute("role", "toolbar");
  root.append(strips.readout, strips.box);
  parentElement.append(root);
  parentElement.host.exportSvg = () => exportSvg(strips); // the SVG and PNG buttons under a figure ask for it
  const same = () => strips.width === root.clientWidth && strips.rem === remOf(document);
  new ResizeObserver(() => same() || draw(strips)).observe(root);
  for (const event of ["pointerover", "focusin"])
    strips.box.addEventListener(event, ({ target }) => light(strips, pieceAt(strips, target)));
  strips.box.addEventListener("pointerleave", () => light(strips, pieceAt(strips, root.getRootNode().activeElement)));
  strips.box.addEventListener("focusout", () => light(strips, null));
  strips.box.addEventListener("keydown", (event) => move(strips, event));
  mounted.set(parentElement, strips);
  return strips;
}

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "text"].includes(tag);
  const node = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- the data: every piece with its places; every place with the pieces that share it ----

function read(strips, data) {
  strips.data = data;
  strips.rows = data.rows.map((row, number) => {
    const sharers = Array.from({ length: 2 * data.text.length + 1 }, () => []);
    let reached = 0;
    const pieces = row.labels.map((label, i) => {
      const [start, end] = [row.starts[i], row.ends[i]];
      const gap = 2 * Math.max(start, reached);
      const [from, to] = start < end ? [2 * start + 1, 2 * end] : [gap, gap + 1];
      reached = Math.max(reached, end);
      const piece = { row: number, i, label, from, to, chips: [] };
      for (let place = from; place < to; place++) sharers[place].push(piece);
      return piece;
    });
    return { ...row, pieces, sharers };
  });
  strips.box.setAttribute("aria-label", `${data.label}; the arrow keys move`);
  strips.root.dir = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(data.text.join(""))
    ? "rtl"
    : "ltr";
  for (const [name, color] of Object.entries(data.colors)) strips.root.style.setProperty(`--${name}`, color);
  strips.current = strips.rows.flatMap(({ pieces }) => pieces)[0];
}

const shareOf = ({ sharers }, piece, place) => {
  const among = sharers[place];
  return { before: among.indexOf(piece) / among.length, part: 1 / among.length };
};

// ---- drawing: as wide as the labels need, in as many lines as the window needs ----

const remOf = ({ documentElement }) => parseFloat(getComputedStyle(documentElement).fontSize);

function draw(strips) {
  const { root, box, data, rows } = strips;
  const rem = (strips.rem = remOf(document));
  strips.width = root.clientWidth;
  if (!strips.width) return;
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${0.82 * rem}px ${getComputedStyle(root).getPropertyValue("--st-font") || "sans-serif"}`;
  const room = strips.width - (strips.width < 600 ? 4.5 : 6.4) * rem - 8;
  strips.small = rem < 22 ? 0.9 : 1; // the type below a label, to that of the label: on a projector no smaller
  const widths = placeWidths(strips, pen, room);
  const lines = brokenLines(widths, data.text, room).map(([first, end]) => {
    const line = make("div", { class: "line" });
    for (const row of rows) line.append(drawnRow(row, data.text, widths, first, end));
    return line;
  });
  box.replaceChildren(...lines);
  focusable(strips, strips.current, 0);
  light(strips, null);
}

function placeWidths({ data, rows, small }, pen, room) {
  const widths = Array.from({ length: 2 * data.text.length + 1 }, (_, place) => (place % 2 ? CELL : 0));
  for (const row of rows)
    for (const piece of row.pieces) {
      piece.chips = [];
      let parts = 0;
      for (let place = piece.from; place < piece.to; place++)
        if (place % 2 || piece.to - piece.from === 1) parts += shareOf(row, piece, place).part;
      const need = Math.min(room, Math.max(CELL, pen.measureText(piece.label).width + PADDING, small * pen.measureText(below(row, piece.i)).width + PADDING));
      for (let place = piece.from; place < piece.to; place++)
        if (place % 2 || piece.to - piece.from === 1) widths[place] = Math.max(widths[place], Math.min(room - CELL, need / parts));
    }
  return widths;
}

const below = (row, i) => `${(row.show_ids ? row.ids : row.notes)?.[i] ?? ""}`;

// A line ends before a space where there is one, else where it is full.
function brokenLines(widths, text, room) {
  const lines = [];
  let [first, space, used] = [0, 0, 0];
  for (let place = 0; place < widths.length; place++) {
    if (text[(place - 1) / 2] === " ") space = place;
    if (used + widths[place] > room && place > first) {
      const end = space > first ? space : place;
      lines.push([first, end]);
      first = end;
      used = widths.slice(first, place).reduce((sum, width) => sum + width, 0);
    }
    used += widths[place];
  }
  return [...lines, [first, widths.length]];
}

function drawnRow(row, text, widths, first, end) {
  const cells = make("div", { class: row.show_ids || row.notes ? "cells two-lines" : "cells" });
  const x = [0];
  for (let place = first; place < end; place++) x.push(x.at(-1) + widths[place]);
  cells.style.width = `${x.at(-1)}px`;
  for (const piece of row.pieces) {
    if (piece.to <= first || piece.from >= end) continue;
    const [from, last] = [Math.max(piece.from, first), Math.min(piece.to, end) - 1];
    const whole = from === piece.from && last === piece.to - 1;
    const [head, tail] = [shareOf(row, piece, from), shareOf(row, piece, last)];
    const left = x[from - first] + widths[from] * head.before;
    const right = x[last - first] + widths[last] * (tail.before + tail.part);
    const words = whole ? piece.label : partOfLabel(piece, text, from, last);
    cells.append(drawnPiece(row, piece, words, left, right - left));
  }
  return make("div", { class: "row" }, make("span", { class: "name" }, row.name), cells);
}

// A piece that goes on in the next line shows there how its text goes on; any other label stands once.
function partOfLabel({ label, from, to }, text, first, last) {
  const part = (start, end) => text.slice(Math.floor(start / 2), Math.ceil(end / 2)).join("");
  if (part(from, to) === label) return part(first, last);
  return first === from ? label : "…";
}

function drawnPiece(row, piece, words, left, width) {
  const chip = make("button", { type: "button", class: "piece", tabindex: -1 }, make("bdi", {}, words));
  if ((row.show_ids || row.notes) && !piece.chips.length) chip.append(make("small", {}, below(row, piece.i)));
  if (row.levels) fill(chip, row.levels[piece.i]);
  chip.classList.toggle("unknown", row.unknown.includes(piece.i));
  chip.classList.toggle("marked", row.marked.includes(piece.i));
  chip.style.insetInlineStart = `${left}px`;
  chip.style.width = `${width - 2}px`;
  chip.piece = piece;
  piece.chips.push(chip);
  return chip;
}

function fill(chip, level) {
  chip.classList.add("filled");
  chip.style.setProperty("--level", `${Math.round(45 * level)}%`); // more would hide the text
}

// ---- pointing ----

function pieceAt(strips, target) {
  return target?.closest?.(".piece")?.piece ?? null;
}

function light(strips, piece) {
  for (const row of strips.rows)
    for (const other of row.pieces) {
      const lit = piece !== null && other.from < piece.to && piece.from < other.to;
      for (const chip of other.chips) chip.classList.toggle("lit", lit);
    }
  if (piece) focusable(strips, piece, 0);
  strips.readout.replaceChildren(...(piece ? described(strips, piece) : [strips.rows[0]?.notes ? HINT_WITH_NOTES : HINT]));
}

function described({ data, rows }, { row, i, label }) {
  const { name, starts, ends, ids, unknown, notes } = rows[row];
  const [start, end] = [starts[i], ends[i]];
  if (notes) return [`${name}: `, make("b", {}, make("bdi", {}, label)), ` · ${notes[i]}`];
  const about = [];
  if (unknown.includes(i)) about.push("not in the vocabulary");
  if (ids && ids[i] !== null) about.push(`id ${ids[i].toLocaleString("en")}`);
  if (start === end) about.push("stands for no character");
  else about.push(end > start + 1 ? `characters ${start + 1} to ${end}: ` : `character ${end}: `);
  const from = start === end ? [] : [make("bdi", {}, data.text.slice(start, end).join(""))];
  return [`${name}: `, make("b", {}, make("bdi", {}, label)), ` · ${about.join(" · ")}`, ...from];
}

function focusable(strips, piece, tabIndex) {
  if (strips.current?.chips[0]) strips.current.chips[0].tabIndex = -1;
  strips.current = piece;
  if (piece?.chips[0]) piece.chips[0].tabIndex = tabIndex;
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function move(strips, event) {
  const piece = pieceAt(strips, event.target);
  if (!piece || !(event.key in STEPS)) return;
  event.preventDefault();
  const [down, right] = STEPS[event.key];
  const ahead = strips.root.dir === "rtl" ? -right : right;
  const pieces = strips.rows[piece.row + down]?.pieces ?? [];
  const next = down ? pieces.find(({ to }) => to > piece.from) ?? pieces.at(-1) : pieces[piece.i + ahead];
  next?.chips[0].focus();
}

// ---- download ----

function exportSvg({ root, box }) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(name).trim();
  const origin = box.getBoundingClientRect();
  const [width, height] = [box.scrollWidth + 24, box.scrollHeight + 24];
  const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": value("--st-font"), "font-size": 14 },
    make("rect", { width, height, fill: value("--st-background-color") }));
  for (const node of box.querySelectorAll(".name, .piece")) {
    const place = node.getBoundingClientRect();
    const [x, y] = [place.left - origin.left + box.scrollLeft + 12, place.top - origin.top + box.scrollTop + 12];
    const [unknown, marked] = [node.matches(".unknown"), node.matches(".marked")];
    const stroke = value(unknown ? "--negative" : marked ? "--output" : "--st-border-color");
    const dashes = { stroke, "stroke-dasharray": unknown ? "3 2" : "none" };
    if (node.matches(".piece"))
      svg.append(make("rect", { x, y, width: place.width, height: place.height, rx: 3, fill: value("--output"),
        "fill-opacity": parseInt(node.style.getPropertyValue("--level") || 0) / 100, ...dashes }));
    const words = [...node.childNodes];
    words.forEach((word, i) => {
      const middle = { x: x + place.width / 2, y: y + (place.height * (i + 1)) / (words.length + 1) };
      svg.append(make("text", { ...middle, "text-anchor": "middle", "dominant-baseline": "central",
        fill: value("--st-text-color"), "font-size": i ? 11 : 14 }, word.textContent));
    });
  }
  return svg;
}
