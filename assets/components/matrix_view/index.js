// Linked matrices with worked arithmetic. Every matrix comes from core/, through the payload; computed
// here are only the single terms of a sum and the sum of the terms that are not listed.

const MIN_CELL = 2; // px
const MAX_CELL = 40;
const NUMBER_CELL = 34; // from this width on a cell holds its number
const LABEL_CELL = 11; // from this size on every row or column has its label
const FIGURE_HEIGHT = 224; // what the rows of a matrix share
const MAX_LABEL = 72;
const GAP = 24;
const RING = 3; // room around the cells for the ring of a chosen cell
const LINE = 17;
const TERMS_LISTED = 8;
const PLAY_SECONDS = 3;
const REPORT_AFTER = 150; // ms

const views = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  if (!views.has(parentElement)) views.set(parentElement, createView(parentElement));
  const view = views.get(parentElement);
  view.setStateValue = setStateValue;
  receive(view, data);
  const call = (view.calls += 1);
  return () => {
    if (call !== view.calls) return; // Streamlit also cleans up runs that a newer one has replaced
    views.delete(parentElement);
    view.observer.disconnect();
    pause(view);
    view.root.remove();
  };
}

function createView(parentElement) {
  const part = (className) => element("div", { className });
  const view = { calls: 0, reported: [], cards: new Map(), bar: part("steps"), figure: part("figure") };
  view.panel = part("panel");
  view.live = element("div", { className: "unseen", role: "status" });
  view.root = element("div", { className: "matrix-view" }, view.bar, view.figure, view.panel, view.live);
  view.bar.addEventListener("keydown", (event) => moveStep(view, event));
  parentElement.append(view.root);
  (parentElement.host ?? parentElement).exportSvg = () => exportSvg(view);
  view.observer = new ResizeObserver(() => view.width !== view.root.clientWidth && layout(view));
  view.observer.observe(view.root);
  return view;
}

// ---- what comes from Python, and what goes back --------------------------------------------------

function receive(view, data) {
  const start = 4 + new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, start)));
  const values = new Float32Array(data.slice(start).buffer); // a copy: the message may not be aligned
  const { selected, ...figure } = header;
  for (const matrix of figure.matrices) {
    matrix.values = values.subarray(matrix.offset, matrix.offset + matrix.n_rows * matrix.n_columns);
    const finite = matrix.values.filter(Number.isFinite);
    matrix.low = finite.reduce((a, b) => Math.min(a, b), Infinity);
    matrix.high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  }
  Object.assign(view, figure, { made: new Map(figure.relations.map((made) => [made.result, made])) });
  view.matrix = new Map(figure.matrices.map((matrix) => [matrix.id, matrix]));
  const structure = JSON.stringify(figure, (name, value) => (["values", "low", "high"].includes(name) ? undefined : value));
  if (structure !== view.structure) build(view);
  view.structure = structure;
  adopt(view, selected);
  layout(view);
}

// An echo of what was reported changes nothing, or it would undo newer moves of the learner.
function adopt(view, wanted) {
  const key = cellKey(wanted);
  const echo = view.reported.indexOf(key);
  if (echo >= 0) view.reported.splice(0, echo);
  else if (key !== view.received) {
    view.selected = wanted;
    view.reported = [];
    clearTimeout(view.reporting);
  }
  view.received = key;
  view.selected = existingCell(view, view.selected);
}

function report(view) {
  clearTimeout(view.reporting);
  view.reporting = setTimeout(() => {
    view.reported = [...view.reported.slice(-9), cellKey(view.selected)];
    view.setStateValue("selected", view.selected);
  }, REPORT_AFTER);
}

function cellKey({ matrix, row, column, step }) {
  return JSON.stringify([matrix, row, column, step]);
}

// The nearest cell that the matrices on hand have, in a step that shows it.
function existingCell(view, { matrix, row, column, step }) {
  step = clamp(step, 0, Math.max(0, view.steps.length - 1));
  if (!view.matrix.has(matrix)) matrix = (view.steps[step] ?? view.relations[0])?.result ?? view.matrices[0].id;
  if (view.steps.length && !view.steps[step].show.includes(matrix)) step = stepOf(view, matrix, step);
  const { n_rows, n_columns } = view.matrix.get(matrix);
  return { matrix, row: clamp(row, 0, n_rows - 1), column: clamp(column, 0, n_columns - 1), step };
}

function stepOf(view, matrix, otherwise) {
  const makes = view.steps.findIndex((step) => step.result === matrix);
  const shows = view.steps.findIndex((step) => step.show.includes(matrix));
  return makes >= 0 ? makes : view.steps[otherwise]?.show.includes(matrix) ? otherwise : Math.max(0, shows);
}

// ---- choosing ------------------------------------------------------------------------------------

function select(view, matrix, row, column, step = stepOf(view, matrix, view.selected.step)) {
  const before = view.selected;
  view.selected = existingCell(view, { matrix, row, column, step });
  if (cellKey(before) === cellKey(view.selected)) return;
  if (before.step !== view.selected.step) layout(view);
  else render(view);
  view.live.textContent = spoken(view.matrix.get(matrix), view.selected);
  report(view);
}

function goTo(view, step) {
  step = clamp(step, 0, view.steps.length - 1);
  select(view, view.steps[step].result, view.selected.row, view.selected.column, step);
}

function play(view) {
  if (view.selected.step === view.steps.length - 1) goTo(view, 0);
  view.playing = setInterval(() => {
    goTo(view, view.selected.step + 1);
    if (view.selected.step === view.steps.length - 1) pause(view);
  }, 1000 * PLAY_SECONDS);
  view.playButton.textContent = "Pause";
}

function pause(view) {
  clearInterval(view.playing);
  view.playing = null;
  if (view.playButton) view.playButton.textContent = "Play";
}

function moveStep(view, event) {
  const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!move) return;
  event.preventDefault();
  pause(view);
  goTo(view, view.selected.step + move);
  if (event.target.closest("ol")) view.stepButtons[view.selected.step].focus();
}

function moveCell(view, card, event) {
  const { n_rows, n_columns, id } = card.matrix;
  const { row, column } = cursor(view, card);
  const moves = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? n_rows - 1 : row, n_columns - 1],
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  select(view, id, ...moves[event.key]);
}

// Where the keyboard stands in a matrix: its chosen cell, or the start of what is lit.
function cursor(view, card) {
  const here = (cell) => cell.matrix === card.matrix.id;
  const { row, column } = [view.selected, ...view.lit].find(here) ?? {};
  return { row: row ?? 0, column: column ?? 0 };
}

// What a cell was made from: a row, a column or a cell; null stands for all of them.
function causes(view, { matrix, row, column }) {
  const made = view.made.get(matrix);
  if (!made) return [];
  if (made.kind === "softmax") return [{ matrix: made.source, row, column: null }];
  if (made.kind !== "product") {
    const source = { matrix: made.source, row, column };
    return [source, ...causes(view, source)];
  }
  const right = made.right_transposed ? { row: column, column: null } : { row: null, column };
  return [
    { matrix: made.left, row, column: null },
    { matrix: made.right, ...right },
    { matrix: made.bias, row: 0, column },
  ];
}

// ---- the parts on the page -----------------------------------------------------------------------

function build(view) {
  const focused = view.root.getRootNode().activeElement?.dataset.matrix;
  pause(view);
  view.root.style.setProperty("--positive", view.colors.positive);
  view.root.style.setProperty("--negative", view.colors.negative);
  view.cards = new Map(view.matrices.map((matrix, index) => [matrix.id, makeCard(view, matrix, index)]));
  view.figure.replaceChildren(...[...view.cards.values()].map((card) => card.box));
  buildSteps(view);
  view.cards.get(focused)?.grid.focus({ preventScroll: true });
}

function buildSteps(view) {
  view.bar.hidden = view.steps.length === 0;
  const stepTo = (step) => () => {
    pause(view);
    goTo(view, step());
  };
  const current = () => view.selected.step;
  view.backButton = button(["Back"], stepTo(() => current() - 1));
  view.nextButton = button(["Next"], stepTo(() => current() + 1));
  view.playButton = button(["Play"], () => (view.playing ? pause(view) : play(view)));
  view.stepButtons = view.steps.map(({ title }, step) => button([`${step + 1} `, ...math(title)], stepTo(() => step)));
  const list = view.stepButtons.map((step) => element("li", {}, step));
  const group = element("div", { role: "group", ariaLabel: "Walk through the steps" });
  group.append(view.backButton, view.playButton, view.nextButton);
  view.bar.replaceChildren(group, element("ol", { ariaLabel: "Steps" }, ...list));
}

function makeCard(view, matrix, index) {
  const canvas = (className) => element("canvas", { className, ariaHidden: "true" });
  const shape = `${matrix.n_rows} × ${matrix.n_columns}`;
  const card = { matrix, hover: null, labels: canvas("labels"), cells: canvas("cells") };
  card.active = element("div", { role: "gridcell", id: `cell-${index}` });
  card.row = element("div", { role: "row", className: "unseen" }, card.active);
  card.readout = element("span", { className: "readout" });
  card.low = element("span");
  card.ramp = element("span", { className: "ramp" });
  card.high = element("span");
  card.grid = element("div", { className: "grid", role: "grid", tabIndex: 0 }, card.labels, card.cells, card.row);
  card.grid.dataset.matrix = matrix.id;
  card.grid.ariaLabel = `${matrix.title}: ${matrix.row_axis} by ${matrix.column_axis}, ${shape}. Arrow keys choose a cell.`;
  card.grid.ariaRowCount = matrix.n_rows;
  card.grid.ariaColCount = matrix.n_columns;
  card.grid.setAttribute("aria-activedescendant", card.active.id);
  card.grid.addEventListener("keydown", (event) => moveCell(view, card, event));
  card.cells.addEventListener("pointermove", (event) => hover(view, card, cellAt(card, event)));
  card.cells.addEventListener("pointerleave", () => hover(view, card, null));
  card.cells.addEventListener("click", (event) => {
    const cell = cellAt(card, event);
    pause(view);
    if (cell) select(view, matrix.id, cell.row, cell.column);
  });
  const symbol = element("strong", { style: `color: ${matrix.colour}` }, ...math(matrix.symbol));
  const head = element("div", { className: "head" }, symbol, matrix.title, element("span", {}, shape));
  const scale = element("div", { className: "scale" }, card.low, card.ramp, card.high, card.readout);
  card.box = element("div", { className: "card" }, head, scale, card.grid);
  return card;
}

function cellAt(card, { offsetX, offsetY }) {
  const column = Math.floor((offsetX - RING) / card.w);
  const row = Math.floor((offsetY - RING) / card.h);
  const inside = row >= 0 && row < card.matrix.n_rows && column >= 0 && column < card.matrix.n_columns;
  return inside ? { row, column } : null;
}

function hover(view, card, cell) {
  card.hover = cell;
  drawCard(view, card);
}

// ---- sizes ---------------------------------------------------------------------------------------

// All matrices with equally many rows get rows of one height, so that a token stays on its line.
function layout(view) {
  view.width = view.root.clientWidth;
  if (!view.width) return;
  view.palette = readPalette(view);
  const show = view.steps[view.selected.step]?.show ?? [...view.matrix.keys()];
  view.shown = show.map((id) => view.cards.get(id));
  for (const [id, card] of view.cards) {
    card.matrix = view.matrix.get(id);
    card.box.hidden = !show.includes(id);
    card.box.style.order = show.indexOf(id);
  }
  const pen = view.live.ownerDocument.createElement("canvas").getContext("2d");
  for (const card of view.shown) measure(card, pen, view.palette.font);
  const gutters = view.shown.reduce((sum, card) => sum + card.gutter + 2 * RING, GAP * (view.shown.length - 1));
  const wishes = view.shown.map((card) => card.matrix.n_columns * Math.max(card.h, 6));
  const cap = commonCap(wishes, view.width - gutters);
  for (const card of view.shown) {
    const room = cap < 90 ? view.width - card.gutter - 2 * RING : cap;
    card.w = clamp(Math.floor(room / card.matrix.n_columns), MIN_CELL, Math.max(card.h, 6));
    card.grid.style.maxWidth = `${Math.max(room, 90) + card.gutter + 2 * RING}px`;
    card.box.style.maxWidth = cap < 90 ? "100%" : card.grid.style.maxWidth;
    paint(card, view);
  }
  render(view);
}

// Everybody gets the width they wish for, up to a cap that is the same for all.
function commonCap(wishes, room) {
  const ordered = [...wishes].sort((a, b) => a - b);
  for (const [index, wish] of ordered.entries()) {
    const cap = room / (ordered.length - index);
    if (wish > cap) return cap;
    room -= wish;
  }
  return Infinity;
}

function measure(card, pen, font) {
  const { rows, columns, n_rows, n_columns, row_axis } = card.matrix;
  pen.font = `13px ${font}`;
  const widest = (labels, count) =>
    Math.max(...(labels ?? [String(count)]).map((label) => pen.measureText(visible(label)).width));
  card.h = clamp(Math.floor(FIGURE_HEIGHT / n_rows), MIN_CELL, MAX_CELL);
  card.gutter = 8 + Math.ceil(Math.min(MAX_LABEL, Math.max(widest(rows, n_rows), pen.measureText(row_axis).width)));
  card.widestColumn = widest(columns, n_columns);
}

function readPalette(view) {
  const style = getComputedStyle(view.root);
  const paper = rgb(style.getPropertyValue("--st-background-color") || "white");
  const ink = rgb(style.color);
  const { positive, negative } = view.colors;
  return { paper, ink, muted: mix(paper, ink, 0.72), positive: rgb(positive), negative: rgb(negative), font: style.fontFamily };
}

// ---- drawing -------------------------------------------------------------------------------------

// The picture of a matrix without anything chosen, at the pixels of the screen.
function paint(card, view) {
  const { matrix, w, h } = card;
  const { palette } = view;
  card.flat = !matrix.columns || card.widestColumn + 4 <= w;
  card.foot = LINE + (card.flat ? LINE : 6 + Math.ceil(Math.min(MAX_LABEL, card.widestColumn)));
  const shade = shader(matrix, palette);
  const small = element("canvas", { width: matrix.n_columns, height: matrix.n_rows });
  const image = new ImageData(matrix.n_columns, matrix.n_rows);
  matrix.values.forEach((value, i) => image.data.set([...shade(value), 255], 4 * i));
  small.getContext("2d").putImageData(image, 0, 0);

  card.picture = element("canvas");
  const pen = sized(card.picture, w * matrix.n_columns, h * matrix.n_rows);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, w * matrix.n_columns, h * matrix.n_rows);
  pen.fillStyle = css(palette.paper);
  if (h >= 8) for (let row = 1; row < matrix.n_rows; row += 1) pen.fillRect(0, row * h - 0.5, w * matrix.n_columns, 1);
  if (w >= 8) for (let column = 1; column < matrix.n_columns; column += 1) pen.fillRect(column * w - 0.5, 0, 1, h * matrix.n_rows);
  matrix.values.forEach((value, i) => {
    const [x, y] = [(i % matrix.n_columns) * w, Math.floor(i / matrix.n_columns) * h];
    if (value === -Infinity) hatch(pen, x, y, w, h, palette);
    if (w >= NUMBER_CELL && h >= LINE) writeNumber(pen, value, x + w / 2, y + h / 2, shade(value), palette);
  });
  const [low, high] = [matrix.low, matrix.high].map((value) => css(shade(value)));
  const zero = clamp((100 * -matrix.low) / (matrix.high - matrix.low || 1), 0, 100);
  card.low.textContent = numeral(matrix.low);
  card.high.textContent = numeral(matrix.high);
  card.ramp.style.background = `linear-gradient(to right, ${low}, ${css(palette.paper)} ${zero}%, ${high})`;
}

// From the background, which is zero, to a full colour at the largest size.
function shader(matrix, palette) {
  const largest = Math.max(Math.abs(matrix.low), Math.abs(matrix.high)) || 1;
  const full = rgb(matrix.colour);
  return (value) => {
    if (!Number.isFinite(value)) return palette.paper;
    const end = matrix.scale === "sequential" ? full : value < 0 ? palette.negative : palette.positive;
    return mix(palette.paper, end, Math.abs(value) / largest);
  };
}

function hatch(pen, x, y, w, h, palette) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, w, h);
  pen.clip();
  pen.beginPath();
  for (let start = x - h + ((((-x - y) % 6) + 6) % 6); start < x + w; start += 6) {
    pen.moveTo(start, y + h);
    pen.lineTo(start + h, y);
  }
  pen.strokeStyle = css(mix(palette.paper, palette.ink, 0.45));
  pen.stroke();
  pen.restore();
}

function writeNumber(pen, value, x, y, shade, palette) {
  const light = (color) => 0.2126 * color[0] ** 2.2 + 0.7152 * color[1] ** 2.2 + 0.0722 * color[2] ** 2.2;
  const contrast = (color) => Math.abs(Math.log((light(color) + 9000) / (light(shade) + 9000)));
  pen.font = `12px ${palette.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = css(contrast(palette.ink) > contrast(palette.paper) ? palette.ink : palette.paper);
  pen.fillText(numeral(value), x, y + 1, w);
}
