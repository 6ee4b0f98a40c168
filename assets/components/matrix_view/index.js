// Linked matrices with worked arithmetic. Every matrix was computed in core/ and comes with the payload;
// computed here are only the single terms of a sum, and the sum of those that are not listed.

// Lengths are those of an ordinary page, in px; where its type is larger, all is enlarged with it.
const TYPE = 13;
const [MIN_CELL, MAX_CELL] = [2, 44]; // the smallest is so on any page
const NUMBER_CELL = 34; // a cell this wide holds its number
const LABEL_CELL = 11; // from this size on, every row or column has its label
const MAX_LABEL = 68;
const ROWS_HEIGHT = 208; // what the rows of a matrix share
const GAP = 24;
const RING = 4; // room around the cells for the ring of a chosen cell
const LINE = 17;
const TERMS_LISTED = 8;
const PLAY_MS = 3000;
const REPORT_MS = 150;

const views = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  if (!views.has(parentElement)) views.set(parentElement, createView(parentElement));
  const view = views.get(parentElement);
  view.setStateValue = setStateValue;
  receive(view, data);
  const call = (view.calls += 1);
  return () => {
    if (call !== view.calls) return; // a newer call has taken over
    views.delete(parentElement);
    view.observer.disconnect();
    clearTimeout(view.reporting);
    pause(view);
    view.root.remove();
  };
}

function createView(parentElement) {
  const part = (className) => element("div", { className });
  const view = { calls: 0, reported: [], bar: part("steps"), figure: part("figure"), terms: part("terms") };
  view.path = element("div", { className: "path", role: "group", ariaLabel: "This cell, step by step" });
  view.equation = element("p", { className: "equation" });
  view.live = element("div", { className: "unseen", role: "status" });
  view.root = element("div", { className: "matrix-view" });
  const working = element("div", { className: "working" }, view.terms, view.path);
  view.curve = element("p", { className: "curve" }, "Colour grows with the square root of a number's size.");
  view.root.append(view.bar, view.figure, view.curve, view.equation, working, view.live);
  view.bar.addEventListener("keydown", (event) => moveStep(view, event));
  parentElement.append(view.root);
  (parentElement.host ?? parentElement).exportSvg = () => exportSvg(view);
  view.observer = new ResizeObserver(() => view.width !== roomOf(view).width && layout(view));
  view.observer.observe(view.root);
  return view;
}

// ---- what comes from Python, and what goes back ------------------------------------------------

function receive(view, data) {
  const start = 4 + new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const { selected, ...figure } = JSON.parse(new TextDecoder().decode(data.subarray(4, start)));
  const values = new Float32Array(data.slice(start).buffer); // copied: the message may not be aligned
  const structure = JSON.stringify(figure);
  Object.assign(view, figure);
  view.matrix = new Map(figure.matrices.map((matrix) => [matrix.id, matrix]));
  view.made = new Map(figure.relations.map((relation) => [relation.result, relation]));
  for (const matrix of figure.matrices) {
    matrix.values = values.subarray(matrix.offset, matrix.offset + matrix.n_rows * matrix.n_columns);
    const finite = matrix.values.filter(Number.isFinite);
    matrix.low = finite.reduce((low, value) => Math.min(low, value), Infinity);
    matrix.high = finite.reduce((high, value) => Math.max(high, value), -Infinity);
    matrix.limit = Math.max(-matrix.low, matrix.high) || 1;
    matrix.asked = matrix.values; // -∞ in it: a cell that is hatched
  }
  for (const { kind, result, source } of figure.relations) {
    if (kind === "mask") view.matrix.get(result).limit = view.matrix.get(source).limit; // same colours
    if (kind === "softmax") view.matrix.get(result).asked = view.matrix.get(source).values;
  }
  view.curve.hidden = figure.matrices.every((matrix) => matrix.scale === "sequential");
  if (structure !== view.structure) build(view);
  view.structure = structure;
  adopt(view, selected);
  layout(view);
}

// An echo of what was reported changes nothing: it must not undo what the learner chose since.
function adopt(view, wanted) {
  const key = cellKey(wanted);
  const echo = view.reported.indexOf(key);
  if (echo >= 0) view.reported.splice(0, echo);
  else if (key !== view.received) {
    view.selected = wanted;
    clearTimeout(view.reporting);
    if (view.reported.length) report(view); // what was reported before no longer holds
    view.reported = [];
  }
  view.received = key;
  view.selected = existing(view, view.selected);
}

function report(view) {
  clearTimeout(view.reporting);
  view.reporting = setTimeout(() => {
    view.reported = [...view.reported.slice(-9), cellKey(view.selected)];
    view.setStateValue("selected", view.selected);
  }, REPORT_MS);
}

function cellKey({ matrix, row, column, step }) {
  return JSON.stringify([matrix, row, column, step]);
}

// The nearest cell that there is, in a step that shows it.
function existing(view, { matrix, row, column, step }) {
  step = clamp(step, 0, Math.max(0, view.steps.length - 1));
  if (!view.matrix.has(matrix)) {
    matrix = (view.steps[step] ?? view.relations[0])?.result ?? view.matrices[0].id;
  }
  if (view.steps.length && !view.steps[step].show.includes(matrix)) step = stepOf(view, matrix, 0);
  const { n_rows, n_columns } = view.matrix.get(matrix);
  return { matrix, row: clamp(row, 0, n_rows - 1), column: clamp(column, 0, n_columns - 1), step };
}

// The step that makes a matrix; else the present one if it shows it, else the first that does.
function stepOf(view, matrix, present) {
  const makes = view.steps.findIndex((step) => step.result === matrix);
  if (makes >= 0) return makes;
  if (view.steps[present]?.show.includes(matrix)) return present;
  return Math.max(0, view.steps.findIndex((step) => step.show.includes(matrix)));
}

// ---- choosing ----------------------------------------------------------------------------------

function choose(view, ...cell) {
  pause(view);
  select(view, ...cell);
}

function select(view, matrix, row, column, step = stepOf(view, matrix, view.selected.step)) {
  const before = view.selected;
  view.selected = existing(view, { matrix, row, column, step });
  if (cellKey(before) === cellKey(view.selected)) return;
  const stays = before.step === view.selected.step;
  if (stays) render(view);
  else layout(view);
  const heading = stays ? "" : `Step ${view.selected.step + 1}: ${view.steps[view.selected.step].title}. `;
  view.live.textContent = heading + spoken(view.matrix.get(matrix), view.selected);
  report(view);
}

function goTo(view, step) {
  step = clamp(step, 0, view.steps.length - 1);
  select(view, view.steps[step].result, view.selected.row, view.selected.column, step);
}

function moveStep(view, event) {
  const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!move) return;
  event.preventDefault();
  pause(view);
  goTo(view, view.selected.step + move);
  if (event.target.closest("ol")) view.stepButtons[view.selected.step].focus();
}

function play(view) {
  const last = view.steps.length - 1;
  if (view.selected.step === last) goTo(view, 0);
  view.playButton.textContent = "Pause";
  view.playing = setInterval(() => {
    goTo(view, view.selected.step + 1);
    if (view.selected.step === last) pause(view);
  }, PLAY_MS);
}

function pause(view) {
  view.playing = clearInterval(view.playing);
  if (view.playButton) view.playButton.textContent = "Play";
}

function moveCell(view, { matrix }, event) {
  const { row, column } = cursor(view, matrix);
  const target = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? matrix.n_rows - 1 : row, matrix.n_columns - 1],
  }[event.key];
  if (!target) return;
  event.preventDefault();
  choose(view, matrix.id, ...target);
}

// Where the keyboard stands in a matrix: on its chosen cell, or where the lit part begins.
function cursor(view, matrix) {
  const here = [view.selected, ...view.lit].find((mark) => mark.matrix === matrix.id);
  return { row: here?.row ?? 0, column: here?.column ?? 0 };
}

// What a cell was made from: a row, a column or a cell; null stands for all of them.
function causes(view, { matrix, row, column }) {
  const made = view.made.get(matrix);
  if (!made) return [];
  if (made.kind === "product") {
    const right = made.right_transposed ? { row: column, column: null } : { row: null, column };
    const [left, bias] = [{ matrix: made.left, row, column: null }, { matrix: made.bias, row: 0, column }];
    return [left, { matrix: made.right, ...right }, bias];
  }
  if (made.kind === "softmax") return [{ matrix: made.source, row, column: null }];
  const source = { matrix: made.source, row, column };
  return [source, ...causes(view, source)];
}

// ---- the parts on the page ---------------------------------------------------------------------

function build(view) {
  const focused = view.root.getRootNode().activeElement?.dataset.matrix;
  pause(view);
  view.root.style.setProperty("--positive", view.colors.positive);
  view.root.style.setProperty("--negative", view.colors.negative);
  view.cards = new Map(view.matrices.map((matrix, i) => [matrix.id, makeCard(view, matrix, `cell-${i}`)]));
  view.figure.replaceChildren(...[...view.cards.values()].map((card) => card.box));
  for (const { bias, right } of view.relations.filter((relation) => relation.bias)) {
    view.cards.get(bias).host = view.cards.get(right); // column under column
    view.cards.get(right).box.append(view.cards.get(bias).box);
  }
  buildSteps(view);
  view.cards.get(focused)?.grid.focus({ preventScroll: true });
}

function buildSteps(view) {
  const stepTo = (label, step) =>
    button(label, () => {
      pause(view);
      goTo(view, step());
    });
  view.bar.hidden = view.steps.length === 0;
  view.backButton = stepTo(["Back"], () => view.selected.step - 1);
  view.nextButton = stepTo(["Next"], () => view.selected.step + 1);
  view.playButton = button(["Play"], () => (view.playing ? pause(view) : play(view)));
  view.stepButtons = view.steps.map(({ title }, i) => stepTo([`${i + 1} `, ...math(title)], () => i));
  const walk = element("div", { role: "group", ariaLabel: "Walk through the steps" });
  walk.append(view.backButton, view.playButton, view.nextButton);
  const list = view.stepButtons.map((step) => element("li", {}, step));
  view.bar.replaceChildren(walk, element("ol", { ariaLabel: "Steps" }, ...list));
}

// The cells are pixels. For those who cannot see them, the grid holds one real cell: the current one.
function makeCard(view, matrix, id) {
  const [labels, cells] = [0, 0].map(() => element("canvas", { ariaHidden: "true" }));
  const span = (className) => element("span", { className });
  const [low, ramp, high, readout] = ["", "ramp", "", "readout"].map(span);
  const shape = `${matrix.n_rows} × ${matrix.n_columns}`;
  const current = element("div", { role: "gridcell", id });
  const line = element("div", { role: "row", className: "unseen" }, current);
  const grid = element("div", { className: "grid", role: "grid", tabIndex: 0 }, labels, cells, line);
  grid.dataset.matrix = matrix.id;
  const axes = [matrix.row_axis, matrix.column_axis].filter(Boolean).join(" by ");
  grid.ariaLabel = `${matrix.title}, ${axes}, ${shape}; arrow keys choose a cell`;
  [grid.ariaRowCount, grid.ariaColCount] = [matrix.n_rows, matrix.n_columns];
  grid.setAttribute("aria-activedescendant", id);
  const head = element("div", { className: "head" }, symbol(matrix), matrix.title, element("span", {}, shape));
  const scale = element("div", { className: "scale" }, low, ramp, high, readout);
  const box = element("div", { className: "card" }, head, scale, grid);
  const card = { matrix, box, labels, cells, low, ramp, high, readout, current, line, grid };
  const point = (cell) => {
    card.hover = cell;
    drawCard(view, card);
  };
  grid.addEventListener("keydown", (event) => moveCell(view, card, event));
  cells.addEventListener("pointermove", (event) => point(cellAt(card, event)));
  cells.addEventListener("pointerleave", () => point(null));
  cells.addEventListener("click", (event) => {
    const cell = cellAt(card, event);
    if (cell) choose(view, matrix.id, cell.row, cell.column);
  });
  return card;
}

function cellAt({ matrix, zoom, w, h }, { offsetX, offsetY }) {
  const [row, column] = [Math.floor((offsetY / zoom - RING) / h), Math.floor((offsetX / zoom - RING) / w)];
  const inside = row >= 0 && row < matrix.n_rows && column >= 0 && column < matrix.n_columns;
  return inside ? { row, column } : null;
}

// ---- sizes -------------------------------------------------------------------------------------

function roomOf({ root, cards }) {
  const zoom = parseFloat(getComputedStyle(cards.values().next().value.grid).fontSize) / TYPE;
  return { zoom, width: root.clientWidth / zoom };
}

// Matrices with equally many rows get rows of one height, so that a token stays on its line.
function layout(view) {
  Object.assign(view, roomOf(view));
  if (!view.width) return;
  view.palette = readPalette(view);
  const show = view.steps[view.selected.step]?.show ?? [...view.matrix.keys()];
  for (const [id, card] of view.cards) {
    [card.matrix, card.zoom] = [view.matrix.get(id), view.zoom];
    card.box.hidden = !show.includes(id);
    card.box.style.order = show.indexOf(id);
    measure(card, view.palette.font);
  }
  view.shown = show.map((id) => view.cards.get(id));
  const loose = view.shown.filter((card) => !card.host);
  const free = loose.reduce((room, card) => room - card.gutter - 2 * RING - GAP, view.width + GAP);
  const rooms = shareOut(loose, free);
  const stacked = loose.some((card, i) => rooms[i] < Math.min(64, wish(card)));
  for (const [i, card] of loose.entries()) {
    const room = stacked ? view.width - card.gutter - 2 * RING : rooms[i];
    card.w = cellSize(Math.min(wish(card), room) / card.matrix.n_columns, card);
    const tall = card.h * card.matrix.n_rows > 2 * ROWS_HEIGHT;
    card.grid.style.maxHeight = tall ? `${ROWS_HEIGHT * card.zoom}px` : "";
    card.grid.style.maxWidth = `${(Math.floor(room) + card.gutter + 2 * RING + (tall ? LINE : 0)) * card.zoom}px`;
    card.box.style.maxWidth = stacked ? "100%" : `max(9rem, ${card.grid.style.maxWidth})`;
  }
  for (const card of view.shown) {
    if (card.host) [card.w, card.gutter] = [card.host.w, card.host.gutter];
    paint(card, view.palette);
  }
  render(view);
}

// Whole pixels of the screen, so that all cells are equally large.
function cellSize(wanted, { zoom }) {
  return clamp(Math.floor(wanted * zoom), MIN_CELL, MAX_CELL * zoom) / zoom;
}

function wish({ matrix: { n_rows, n_columns }, h }) {
  const square = n_rows === n_columns && n_rows > 8;
  return n_columns * (square ? h : Math.max(h, n_columns <= 8 ? MAX_CELL : 6));
}

// Each matrix gets the width it wishes for, up to a cap that is the same for all; one whose smallest
// width is above the cap gets that, if the others can do with the rest. What does not fit scrolls.
function shareOut(cards, room) {
  const cap = commonCap(cards.map(wish), room);
  const smallest = (card) => (card.matrix.n_columns * MIN_CELL) / card.zoom;
  const firm = cards.filter((card) => smallest(card) > cap);
  const rest = cards.filter((card) => smallest(card) <= cap);
  const left = commonCap(rest.map(wish), firm.reduce((left, card) => left - smallest(card), room));
  const fits = rest.length > 0 && rest.every((card) => smallest(card) <= left);
  return cards.map((card) => Math.min(wish(card), fits ? Math.max(smallest(card), left) : cap));
}

function commonCap(wishes, room) {
  wishes.sort((a, b) => a - b);
  for (const [i, width] of wishes.entries()) {
    const cap = room / (wishes.length - i);
    if (width > cap) return cap;
    room -= width;
  }
  return Infinity;
}

function measure(card, font) {
  const { rows, columns, n_rows, n_columns, row_axis } = card.matrix;
  const pen = card.labels.getContext("2d");
  pen.font = `${TYPE}px ${font}`;
  const widest = (texts) =>
    texts.reduce((width, text) => Math.min(MAX_LABEL, Math.max(width, pen.measureText(text).width)), 0);
  card.h = n_rows === 1 ? LINE : cellSize(ROWS_HEIGHT / n_rows, card);
  card.gutter = 8 + Math.ceil(widest([...(rows ?? [String(n_rows)]), row_axis]));
  card.widestColumn = widest(columns ?? [String(n_columns)]);
}

function readPalette({ root, colors }) {
  const style = getComputedStyle(root);
  const [paper, ink] = [style.getPropertyValue("--st-background-color"), style.color].map(rgb);
  const [positive, negative] = [colors.positive, colors.negative].map(rgb);
  return { paper, ink, muted: mix(paper, ink, 0.72), positive, negative, font: style.fontFamily };
}

// ---- drawing -----------------------------------------------------------------------------------

// The matrix with nothing chosen, kept at the pixels of the screen.
function paint(card, palette) {
  const { matrix, zoom, w, h } = card;
  const [width, height] = [w * matrix.n_columns, h * matrix.n_rows];
  const shade = shader(matrix, palette);
  const image = new ImageData(matrix.n_columns, matrix.n_rows);
  matrix.values.forEach((value, i) => {
    image.data.set([...shade(value), Number.isFinite(matrix.asked[i]) ? 255 : 0], 4 * i);
  });
  const small = element("canvas", { width: matrix.n_columns, height: matrix.n_rows });
  small.getContext("2d").putImageData(image, 0, 0);
  card.picture = element("canvas");
  const pen = sized(card.picture, width, height, zoom);
  hatch(pen, width, height, palette);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, width, height);
  pen.fillStyle = css(palette.paper);
  if (h >= 8) for (let y = h; y < height; y += h) pen.fillRect(0, y - 0.5, width, 1);
  if (w >= 8) for (let x = w; x < width; x += w) pen.fillRect(x - 0.5, 0, 1, height);
  if (hasNumbers(card)) {
    matrix.values.forEach((value, i) => {
      const [x, y] = [(i % matrix.n_columns) * w, Math.floor(i / matrix.n_columns) * h];
      writeNumber(pen, value, x + w / 2, y + h / 2, shade(value), palette);
    });
  }
  const ramp = Array.from({ length: 13 }, (_, i) => shade(matrix.low + ((matrix.high - matrix.low) * i) / 12));
  card.ramp.style.background = `linear-gradient(to right, ${ramp.map(css)})`;
  [card.low.textContent, card.high.textContent] = [numeral(matrix.low), numeral(matrix.high)];
}

// From the background, which is zero, to the full colour of the largest size. Sizes differ much where
// signs do (one of 384 dimensions is ten times the others): the root keeps the small ones visible.
function shader({ limit, scale, colour }, { paper, positive, negative }) {
  const full = rgb(colour);
  return (value) => {
    const share = Number.isFinite(value) ? Math.abs(value) / limit : 0;
    if (scale === "sequential") return mix(paper, full, share);
    return mix(paper, value < 0 ? negative : positive, Math.sqrt(share));
  };
}

function hasNumbers({ w, h }) {
  return w >= NUMBER_CELL && h >= LINE;
}

// What shows through where a cell has no colour, since a mask forbids it.
function hatch(pen, width, height, { paper, ink }) {
  pen.strokeStyle = css(mix(paper, ink, 0.4));
  pen.beginPath();
  for (let x = -height; x < width; x += 6) {
    pen.moveTo(x, height);
    pen.lineTo(x + height, 0);
  }
  pen.stroke();
}

function writeNumber(pen, value, x, y, shade, { paper, ink, font }) {
  pen.font = `${value === -Infinity ? "600 " : ""}${TYPE}px ${font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = css(contrast(ink, shade) > contrast(paper, shade) ? ink : paper);
  pen.fillText(numeral(value), x, y + 1, NUMBER_CELL);
}

function contrast(...colors) {
  const weights = [0.2126, 0.7152, 0.0722];
  const light = (color) => color.reduce((sum, part, i) => sum + weights[i] * (part / 255) ** 2.2, 0.05);
  const [a, b] = colors.map(light);
  return Math.max(a / b, b / a);
}

function render(view) {
  const { step } = view.selected;
  view.lit = causes(view, view.selected);
  for (const card of view.shown) {
    drawCard(view, card);
    scrollToMark(view, card);
    const cell = cursor(view, card.matrix);
    [card.line.ariaRowIndex, card.current.ariaColIndex] = [cell.row + 1, cell.column + 1];
    card.current.ariaSelected = view.selected.matrix === card.matrix.id;
    card.current.textContent = spoken(card.matrix, cell);
  }
  view.stepButtons.forEach((button, i) => (button.ariaCurrent = i === step ? "step" : "false"));
  view.backButton.ariaDisabled = step === 0;
  view.nextButton.ariaDisabled = step === view.steps.length - 1;
  explain(view);
}

function drawCard(view, card) {
  const { matrix, picture, zoom, w, h, hover } = card;
  const { palette } = view;
  const [width, height] = [w * matrix.n_columns, h * matrix.n_rows];
  const marks = [view.selected, ...view.lit].filter((mark) => mark.matrix === matrix.id);
  const chosen = marks[0] === view.selected ? marks[0] : null;
  const rotated = matrix.columns && card.widestColumn + 4 > w;
  card.foot = LINE + (rotated ? 6 + Math.ceil(card.widestColumn) : LINE);
  const pen = sized(card.cells, width + 2 * RING, height + 2 * RING + card.foot, zoom);
  pen.translate(RING, RING);
  pen.globalAlpha = marks.length && !chosen && !hasNumbers(card) ? 0.5 : 1;
  pen.drawImage(picture, 0, 0, width, height);
  pen.globalAlpha = 1;
  for (const band of marks.filter((mark) => mark !== chosen)) {
    const area = rectangle(card, band);
    pen.clearRect(...area);
    pen.drawImage(picture, ...area.map((length) => (length * picture.width) / width), ...area);
    ring(pen, area, palette, 1);
  }
  if (hover) ring(pen, rectangle(card, hover), palette, 1);
  if (chosen) ring(pen, rectangle(card, chosen), palette, 2.5);
  drawColumnLabels(pen, card, palette, new Set(marks.map(({ column }) => column)), rotated);
  drawRowLabels(card, palette, new Set(marks.map(({ row }) => row)));
  const told = hover ?? chosen;
  card.readout.textContent = told ? `${numeral(at(matrix, told))} at ${names(matrix, told).join(", ")}` : "";
}

function rectangle({ matrix, w, h }, { row, column }) {
  const [x, width] = column === null ? [0, w * matrix.n_columns] : [column * w, w];
  const [y, height] = row === null ? [0, h * matrix.n_rows] : [row * h, h];
  return [x, y, width, height];
}

// Outside the area, which may be only two pixels high.
function ring(pen, [x, y, width, height], { paper, ink }, thickness) {
  for (const [color, line, out] of [[ink, thickness, thickness / 2], [paper, 1, thickness + 0.5]]) {
    pen.strokeStyle = css(color);
    pen.lineWidth = line;
    pen.strokeRect(x - out, y - out, width + 2 * out, height + 2 * out);
  }
}

function drawColumnLabels(pen, { matrix, w, h, widestColumn, foot }, palette, marked, rotated) {
  const top = h * matrix.n_rows + RING + 3;
  const all = rotated ? w >= LABEL_CELL : w >= widestColumn + 4;
  for (let i = 0; i < matrix.n_columns; i += 1) {
    if (!all && !marked.has(i)) continue;
    pen.save();
    pen.translate((i + 0.5) * w, top + (rotated ? 0 : 7));
    if (rotated) pen.rotate(-Math.PI / 2);
    writeLabel(pen, label(matrix.columns, i), 0, 0, rotated ? "right" : "center", palette, marked.has(i));
    pen.restore();
  }
  writeLabel(pen, matrix.column_axis, 0, top + foot - 12, "left", palette);
}

function drawRowLabels({ matrix, labels, zoom, gutter, h, foot }, palette, marked) {
  const height = h * matrix.n_rows;
  const pen = sized(labels, gutter, height + 2 * RING + foot, zoom);
  for (let i = 0; i < matrix.n_rows; i += 1) {
    const y = RING + clamp((i + 0.5) * h, 7, Math.max(7, height - 7));
    const wanted = h >= LABEL_CELL ? matrix.n_rows > 1 : marked.has(i);
    if (wanted) writeLabel(pen, label(matrix.rows, i), gutter - 5, y, "right", palette, marked.has(i));
  }
  writeLabel(pen, matrix.row_axis, gutter - 5, height + RING + 10, "right", palette);
}

function writeLabel(pen, text, x, y, align, { ink, muted, font }, marked = false) {
  pen.font = `${marked ? "600 " : ""}${TYPE}px ${font}`;
  pen.fillStyle = css(marked ? ink : muted);
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(isolated(text), x, y, MAX_LABEL);
}

// A matrix larger than its box scrolls inside the box, never the page.
function scrollToMark(view, { matrix, grid, zoom, gutter, w, h }) {
  const mark = [view.selected, ...view.lit].find((mark) => mark.matrix === matrix.id);
  const nearest = (now, i, size, room) => clamp(now, (i + 2) * size - room, Math.max(0, i - 1) * size);
  if (!mark) return;
  if (mark.column !== null) grid.scrollLeft = nearest(grid.scrollLeft, mark.column, w * zoom, grid.clientWidth - gutter * zoom);
  if (mark.row !== null) grid.scrollTop = nearest(grid.scrollTop, mark.row, h * zoom, grid.clientHeight);
}

// ---- arithmetic --------------------------------------------------------------------------------

// For each kind of relation: what stands between the equals signs, and the terms of the sum.
const WRITTEN = {
  product(view, made, cell) {
    const { row, column } = cell;
    const [left, right, bias] = [made.left, made.right, made.bias].map((id) => view.matrix.get(id));
    const along = made.right_transposed ? "row" : "column";
    const terms = Array.from({ length: left.n_columns }, (_, i) => {
      const a = at(left, { row, column: i });
      const b = at(right, made.right_transposed ? { row: column, column: i } : { row: i, column });
      const name = (left.columns ? "" : `${left.column_axis} `) + label(left.columns, i);
      return { name, value: a * b, written: () => [colored(left, a), " × ", colored(right, b)] };
    });
    const ordered = [...terms].sort(bySize);
    const words = ["row ", token(left.rows, row), " of ", symbol(left)];
    words.push(` · ${along} `, token(right[`${along}s`], column), " of ", symbol(right));
    const sum = joined(terms.length > 4 ? ordered.slice(0, 2) : terms);
    if (terms.length > 4) sum.push(" + …");
    if (!bias) return { parts: [words, sum], terms: ordered };
    const added = at(bias, { row: 0, column });
    const parts = [[...words, " + ", symbol(bias)], [...sum, " + ", colored(bias, added)]];
    return { parts, terms: ordered, bias: added };
  },

  divide(view, made, cell) {
    const source = view.matrix.get(made.source);
    const divided = (...by) => [colored(source, at(source, cell)), " ÷ ", ...by];
    const number = String(Number(made.by.toPrecision(4)));
    const parts = [divided(...math(made.by_text)), divided(number)];
    return { parts: made.by_text === number ? [parts[1]] : parts };
  },

  mask(view, made, cell, matrix) {
    const allowed = at(matrix, cell) !== -Infinity;
    const [query, key] = [token(matrix.rows, cell.row), token(matrix.columns, cell.column)];
    return { parts: [], note: [": ", query, allowed ? " may look at " : " may not look at ", key] };
  },

  softmax(view, made, { row, column }, matrix) {
    const source = view.matrix.get(made.source);
    const scores = Array.from({ length: source.n_columns }, (_, i) => at(source, { row, column: i }));
    const shift = Math.max(...scores) > 50 ? Math.max(...scores) : 0; // e⁷¹⁰ is too large for a number
    const terms = scores.map((score, i) => {
      const exponent = shift ? `${numeral(score)} − ${numeral(shift)}` : numeral(score);
      const power = () => [element("span", colorOf(source), "e", element("sup", {}, exponent))];
      return { name: label(matrix.columns, i), value: Math.exp(score - shift), written: power };
    });
    const own = terms[column];
    const ordered = [own, ...terms.filter((term) => term !== own).sort(bySize)];
    const total = terms.reduce((sum, term) => sum + term.value, 0);
    const few = joined(ordered.slice(0, 3));
    const parts = [[...own.written(), " ÷ (", ...few, terms.length > 3 ? " + …)" : ")"]];
    return { parts: [...parts, [`${numeral(own.value)} ÷ ${numeral(total)}`]], terms: ordered, total };
  },
};

function explain(view) {
  const cell = view.selected;
  const matrix = view.matrix.get(cell.matrix);
  const made = view.made.get(matrix.id);
  const written = made ? WRITTEN[made.kind](view, made, cell, matrix) : { parts: [], note: [" (given)"] };
  const parts = [...written.parts, [element("b", {}, colored(matrix, at(matrix, cell)))]];
  const [row, column] = [token(matrix.rows, cell.row), token(matrix.columns, cell.column)];
  const name = [symbol(matrix), "(", row, ", ", column, ")"];
  view.equation.replaceChildren(...name, ...parts.flatMap((part) => [" = ", ...part]), ...(written.note ?? []));
  listTerms(view, written, at(matrix, cell));
  showPath(view, cell);
}

function listTerms(view, { terms = [], bias, total }, value) {
  const [listed, rest] = [terms.slice(0, TERMS_LISTED), terms.slice(TERMS_LISTED)];
  const largest = Math.max(...terms.map((term) => Math.abs(term.value)));
  const sums = [["total", total ?? value]];
  if (bias !== undefined) sums.unshift(["bias", bias]);
  const left = rest.reduce((sum, term) => sum + term.value, 0);
  if (rest.length) sums.unshift([`… ${rest.length} more terms: sum`, left]);
  const list = element("ul", {}, ...listed.map((term) => termLine(term, largest)));
  const line = element("p", {}, ...sums.flatMap(([name, sum]) => [`${name} `, element("b", {}, numeral(sum))]));
  view.terms.replaceChildren(...(terms.length ? [list, line] : []));
}

function termLine({ name, value, written }, largest) {
  const bar = element("i", { className: value < 0 ? "negative" : "positive" });
  bar.style.width = `${(50 * Math.abs(value)) / largest || 0}%`;
  const heading = element("bdi", { title: name }, name);
  const product = element("span", {}, ...written(), ` = ${numeral(value)}`);
  return element("li", {}, heading, product, element("span", { className: "bar" }, bar));
}

// The same cell in the quantities before it: a way to walk back.
function showPath(view, { matrix, row, column }) {
  const path = [];
  for (let id = matrix; id; id = view.made.get(id)?.source) path.unshift(view.matrix.get(id));
  const stops = path.map((stop) => {
    const node = button([symbol(stop), " ", numeral(at(stop, { row, column }))], () => {
      choose(view, stop.id, row, column);
      view.cards.get(stop.id).grid.focus({ preventScroll: true });
    });
    node.ariaCurrent = stop.id === matrix;
    return node;
  });
  view.path.hidden = path.length < 2;
  view.path.replaceChildren(...stops.flatMap((stop, i) => (i ? ["→", stop] : [stop])));
}

// ---- the picture as a file ---------------------------------------------------------------------

function exportSvg({ figure, equation, shown, palette }) {
  const frame = figure.getBoundingClientRect();
  const lines = equation.textContent.split(/ (?== )/);
  const [width, height] = [Math.ceil(frame.width), Math.ceil(frame.height) + 24 * lines.length + 12];
  const font = { "font-family": "sans-serif", "font-size": 15, fill: css(palette.ink) };
  const svg = svgElement("svg", { width, height, ...font });
  svg.append(svgElement("rect", { width, height, fill: css(palette.paper) }));
  const place = (node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return { x: x - frame.x, y: y - frame.y, width, height };
  };
  for (const { box, grid, labels, cells, matrix } of shown) {
    const { x, y } = place(box);
    svg.append(svgElement("text", { x, y: y + 16 }, `${matrix.symbol}  ${matrix.title}`));
    const area = place(grid);
    const clip = svgElement("svg", { ...area, viewBox: Object.values(area).join(" ") });
    const picture = (node) => svgElement("image", { href: node.toDataURL(), ...place(node) });
    clip.append(picture(cells), picture(labels));
    svg.append(clip);
  }
  svg.append(...lines.map((line, i) => svgElement("text", { x: 0, y: frame.height + 24 * (i + 1) }, line)));
  return svg;
}

function svgElement(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

// ---- words and numbers -------------------------------------------------------------------------

function at(matrix, { row, column }) {
  return matrix.values[row * matrix.n_columns + column];
}

function bySize(a, b) {
  return Math.abs(b.value) - Math.abs(a.value) || 0;
}

function numeral(value) {
  const size = Math.abs(value);
  if (Number.isNaN(value)) return "NaN";
  const huge = size >= 10000 || (size > 0 && size < 5e-5);
  const small = size > 0 && size < 0.005;
  const digits = huge ? size.toExponential(1) : small ? size.toPrecision(1) : size.toFixed(2);
  return (value < 0 ? "−" : "") + (size === Infinity ? "∞" : digits.replace("e-", "e−"));
}

function label(labels, index) {
  if (!labels) return String(index + 1);
  return labels[index].trim() ? labels[index] : "␣".repeat(labels[index].length);
}

function isolated(text) {
  return `\u2068${text}\u2069`;
}

function names(matrix, { row, column }) {
  return [isolated(label(matrix.rows, row)), isolated(label(matrix.columns, column))];
}

function spoken(matrix, cell) {
  const [row, column] = names(matrix, cell);
  const place = `${matrix.row_axis} ${row}, ${matrix.column_axis} ${column}`;
  return `${matrix.title}, ${place}: ${numeral(at(matrix, cell))}`;
}

function joined(terms) {
  return terms.flatMap(({ written }, i) => (i ? [" + ", ...written()] : written()));
}

// "W_q" with its index below the line.
function math(text) {
  return text.split(/_(\w+)/).map((part, i) => (i % 2 ? element("sub", {}, part) : part));
}

function symbol(matrix) {
  return element("strong", colorOf(matrix), ...math(matrix.symbol));
}

function colored(matrix, value) {
  return element("span", colorOf(matrix), numeral(value));
}

function colorOf({ colour }) {
  return { style: `color: ${colour}` };
}

function token(labels, index) {
  return element("bdi", { className: "token" }, label(labels, index));
}

// ---- small tools -------------------------------------------------------------------------------

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function button(children, onClick) {
  const node = element("button", { type: "button" }, ...children);
  node.addEventListener("click", onClick);
  return node;
}

// A canvas of this size, enlarged, sharp on any screen.
function sized(canvas, width, height, zoom) {
  const ratio = zoom * (window.devicePixelRatio || 1);
  [canvas.width, canvas.height] = [width * ratio, height * ratio].map(Math.round);
  [canvas.style.width, canvas.style.height] = [`${width * zoom}px`, `${height * zoom}px`];
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

function rgb(color) {
  const pen = element("canvas", { width: 1, height: 1 }).getContext("2d");
  pen.fillStyle = color;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function mix(from, to, share) {
  return from.map((value, i) => Math.round(value + (to[i] - value) * share));
}

function css(color) {
  return `rgb(${color.join(" ")})`;
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
