// The map of a Transformer: each box is a link to its lesson and a window on the sentence there.
// pages/ui/components/transformer_map.py packs the payload and names the boxes.

const SVG_TAGS = ["svg", "a", "rect", "path", "text", "image"];
const SMALLEST = 12.5; // px, type on an ordinary page: the drawing is enlarged with it
const SHADE = 0.5; // (size ÷ largest) ** SHADE is the share of colour: small values stay visible
const BESIDE = 700; // px of room: from here on the window stands beside the map, not below
const [NARROWEST, ROOMY, WIDEST] = [290, 500, 620]; // px: the map; from ROOMY on it has wide margins
const SLOTS = { // from the bottom upwards
  encoder: ["inputs", "embedding", "position", "attention", "attention_norm", "feed_forward", "feed_forward_norm", "output"],
  decoder: ["outputs", "output_embedding", "output_position", "masked_attention", "masked_norm", "cross_attention", "cross_norm",
    "decoder_feed_forward", "decoder_norm", "linear", "softmax"],
};
const BLOCK = { encoder: ["attention", "feed_forward_norm"], decoder: ["masked_attention", "decoder_norm"] };
const SKIPS = [["attention", "attention_norm"], ["feed_forward", "feed_forward_norm"], ["masked_attention", "masked_norm"],
  ["cross_attention", "cross_norm"], ["decoder_feed_forward", "decoder_norm"]];
const COUNTERPARTS = { attention: "masked_attention", masked_attention: "attention" }; // the first is shown first
const maps = new WeakMap(); // parentElement -> map

export default function ({ data, parentElement }) {
  const map = maps.get(parentElement) ?? mount(parentElement);
  if (!same(map.bytes, data)) read(map, data);
}

function same(before, now) {
  return before?.length === now.length && before.every((byte, i) => byte === now[i]);
}

function make(tag, attributes = {}, ...children) {
  const space = SVG_TAGS.includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function mount(parentElement) {
  const map = { shown: "attention", drawing: make("div", { class: "drawing" }), window: make("div", { class: "window" }) };
  map.root = make("div", { class: "map" }, map.drawing, map.window);
  listen(map);
  map.resized = new ResizeObserver(() => map.payload && roomOf(map).width !== map.width && draw(map));
  parentElement.append(map.root);
  map.resized.observe(map.root);
  parentElement.host.exportSvg = () => exportSvg(map); // the SVG and PNG buttons under a figure ask for it
  maps.set(parentElement, map);
  return map;
}

// ---- what comes from Python ----

function read(map, bytes) {
  map.bytes = bytes.slice();
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  map.payload = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  for (const [name, color] of Object.entries(map.payload.colors)) map.root.style.setProperty(`--${name}`, color);
  map.boxes = {};
  let start = 4 + size;
  for (const box of map.payload.boxes) {
    map.boxes[box.id] = box;
    if (!box.window) continue;
    const end = start + box.window.rows * box.window.columns;
    box.window.steps = map.bytes.subarray(start, end);
    start = end;
  }
  const other = COUNTERPARTS[map.shown];
  if (other && map.boxes[map.shown].left_out && !map.boxes[other].left_out) map.shown = other;
  paint(map);
  draw(map);
}

function paint({ root, payload, boxes }) {
  const paper = rgb(getComputedStyle(root).getPropertyValue("--st-background-color"));
  const [positive, negative, weights] = ["positive", "negative", "weights"].map((name) => rgb(payload.colors[name]));
  for (const { window } of Object.values(boxes)) {
    if (!window) continue;
    const canvas = make("canvas", { width: window.columns, height: window.rows });
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(window.columns, window.rows);
    window.steps.forEach((step, i) => {
      const value = window.signed ? (step - 128) / 127 : step / 255;
      const ink = !window.signed ? weights : value < 0 ? negative : positive;
      const share = Math.abs(value) ** SHADE;
      for (let part = 0; part < 3; part++) pixels.data[4 * i + part] = paper[part] + share * (ink[part] - paper[part]);
      pixels.data[4 * i + 3] = 255;
    });
    pen.putImageData(pixels, 0, 0);
    window.picture = canvas.toDataURL();
  }
}

function rgb(color) {
  const hex = color.trim().slice(1);
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

// ---- the drawing ----

function roomOf({ root, drawing }) {
  const zoom = parseFloat(getComputedStyle(drawing).fontSize) / SMALLEST;
  return { zoom, width: Math.round(root.clientWidth / zoom) };
}

function layoutOf(map) {
  const { small } = map.payload;
  const room = map.width;
  const beside = !small && room >= BESIDE;
  const width = Math.round(Math.max(NARROWEST, Math.min(beside ? 0.58 * room : room, WIDEST)));
  const narrow = width < ROOMY;
  const [row, height] = small && !narrow ? [34, 26] : small || beside ? [42, 32] : [46, 37];
  const [edge, pad, between] = narrow ? [4, 13, 20] : [36, 20, 40];
  const inner = width - 2 * edge - 4 * pad - between;
  const share = small ? 0.5 : narrow ? 0.58 : 0.56;
  const columns = {
    encoder: { x: edge + pad, width: share * inner },
    decoder: { x: edge + 3 * pad + share * inner + between, width: (1 - share) * inner },
  };
  const top = 50;
  return { width, narrow, row, height, pad, columns, top, total: top + 11 * row + 26, beside, font: narrow ? 12.5 : 14 };
}

function placeOf({ row, height, columns, total }, half, id) {
  const slot = SLOTS[half].indexOf(id);
  const [first, last] = BLOCK[half].map((name) => SLOTS[half].indexOf(name));
  const extra = (slot >= first ? 9 : 0) + (slot > last ? 9 : 0); // room for the frame of the block
  return { ...columns[half], y: total - 2 - height - slot * row - extra, height };
}

function draw(map) {
  Object.assign(map, roomOf(map));
  if (!map.width) return;
  const focused = map.root.getRootNode().activeElement?.dataset?.box;
  const layout = layoutOf(map);
  map.root.classList.toggle("beside", layout.beside);
  map.root.classList.toggle("small", map.payload.small);
  const svg = make("svg", { width: layout.width * map.zoom, height: layout.total * map.zoom, viewBox: `0 0 ${layout.width} ${layout.total}`,
    role: "group", "aria-label": "Map of the Transformer: boxes lead to their lessons, arrow keys move", "font-size": layout.font });
  for (const half of ["encoder", "decoder"]) svg.append(...drawnHalf(map, layout, half));
  svg.append(crossing(map, layout));
  for (const half of ["encoder", "decoder"]) for (const id of SLOTS[half]) svg.append(drawnBox(map, layout, map.boxes[id]));
  map.drawing.replaceChildren(svg);
  map.svg = svg;
  show(map, map.shown);
  if (focused) map.boxes[focused].link.focus();
}

function drawnHalf({ payload, boxes }, layout, half) {
  const { pad, columns, height, narrow } = layout;
  const place = (id) => placeOf(layout, half, id);
  const off = (...ids) => (ids.every((id) => boxes[id].left_out) ? "off" : "");
  const { x, width } = columns[half];
  const middle = x + width / 2;
  const [first, last] = BLOCK[half];
  const frame = { x: x - pad, y: place(last).y - 9, width: width + 2 * pad, height: place(first).y + height - place(last).y + 22 };
  const side = half === "encoder" ? -1 : 1; // skip connections run outside
  const nodes = [make("rect", { class: `frame ${off(first)}`, ...frame, rx: 8 })];
  const title = half === "encoder" ? "Encoder" : "Decoder";
  nodes.push(make("text", { class: `title ${off(first)}`, x: middle, y: 15, "text-anchor": "middle" }, title));
  lines(payload.halves[half], width + 2 * pad, layout).forEach((line, i) =>
    nodes.push(make("text", { class: "muted", x: middle, y: 32 + 14 * i, "text-anchor": "middle" }, line)));
  const times = narrow // upright between boxes and frame, else beside the frame
    ? { "text-anchor": "middle", transform: `translate(${side < 0 ? x + width + 11 : x - 2} ${place(last).y + 0.6 * height}) rotate(-90)` }
    : { "text-anchor": side < 0 ? "end" : "start", x: middle + side * (frame.width / 2 + 6), y: frame.y + frame.height / 2 };
  nodes.push(make("text", { class: "muted", ...times }, "N ×"));
  const stream = SLOTS[half];
  for (let i = 1; i < stream.length; i++)
    nodes.push(arrow([[middle, place(stream[i - 1]).y], [middle, place(stream[i]).y + height + 1]], off(stream[i])));
  for (const [from, to] of SKIPS.filter(([from]) => stream.includes(from))) {
    const edge = side < 0 ? x : x + width;
    const [out, start, end] = [edge + side * (pad - 6), place(from).y + height + 5, place(to).y + height / 2];
    nodes.push(arrow([[middle, start], [out, start], [out, end], [edge + side, end]], off(from)));
  }
  return nodes;
}

// The encoder's output becomes keys and values of the cross-attention.
function crossing({ boxes }, layout) {
  const [from, to] = [placeOf(layout, "encoder", "output"), placeOf(layout, "decoder", "cross_attention")];
  const between = (from.x + from.width + layout.pad + to.x - layout.pad) / 2;
  const off = boxes.output.left_out || boxes.cross_attention.left_out ? "off" : "";
  const [start, end] = [from, to].map(({ y, height }) => y + height / 2);
  return arrow([[from.x + from.width, start], [between, start], [between, end], [to.x - 1, end]], off);
}

function arrow(points, off) {
  const [[fromX, fromY], [x, y]] = points.slice(-2);
  const [right, down] = [Math.sign(x - fromX), Math.sign(y - fromY)];
  const wing = (side) => [x - 5 * right + 3.5 * side * down, y - 5 * down + 3.5 * side * right];
  return make("path", { class: `arrow ${off}`, d: `M${points.join("L")}M${wing(1)}L${x},${y}L${wing(-1)}` });
}

function drawnBox(map, layout, box) {
  const { x, y, width, height } = placeOf(layout, box.half, box.id);
  const link = make("a", { class: box.left_out ? "box off" : "box", "data-box": box.id, href: box.topic, "aria-label": spoken(box),
    style: `--color: ${box.color}` }, make("rect", { x, y, width, height, rx: 5 }));
  const open = !map.payload.small && box.half === "encoder"; // something of the sentence is in it
  const seen = open ? 0.4 * width : 0;
  const words = lines(box.name, width - seen - 14, layout);
  const anchor = open ? { x: x + 8, "text-anchor": "start" } : { x: x + width / 2, "text-anchor": "middle" };
  words.forEach((word, i) => link.append(make("text", { ...anchor, y: y + height / 2 + (i - (words.length - 1) / 2) * 14, "dominant-baseline": "central" }, word)));
  if (box.window)
    link.append(make("image", { href: box.window.picture, x: x + width - seen, y: y + 4, width: seen - 4, height: height - 8, preserveAspectRatio: "none" }));
  else if (open) link.append(inputWords(map, { x, y, width, height }));
  box.link = link;
  return link;
}

const pen = document.createElement("canvas").getContext("2d");

// A name that is too wide takes two lines.
function lines(text, room, { font }) {
  pen.font = `${font}px sans-serif`;
  return pen.measureText(text).width > room ? text.split(text.includes(" ") ? / (?=\S+$)/ : /(?<=-)/) : [text];
}

// The first words of the sentence, as many as fit beside the name of the box.
function inputWords({ payload: { tokens } }, { x, y, width, height }) {
  pen.font = "12px sans-serif";
  let words = tokens.slice(1).join(" ");
  while (words && pen.measureText(`${words}…`).width > width - 64) words = words.slice(0, -1);
  return make("text", { class: "muted", x: x + width - 6, y: y + height / 2, "text-anchor": "end", "dominant-baseline": "central" },
    `\u2068${[...words].join("")}…\u2069`);
}

function spoken({ name, half, window, lesson, left_out }) {
  const facts = window ? `, ${window.shape}` : left_out ? ", left out" : "";
  return `${half === "encoder" ? "Encoder" : "Decoder"}, ${name}${facts}. Lesson: ${lesson}`;
}

// ---- the window ----

function show(map, id) {
  map.boxes[map.shown].link.classList.remove("shown");
  map.shown = id;
  const box = map.boxes[id];
  box.link.classList.add("shown");
  map.window.style.setProperty("--color", box.color);
  const parts = [make("p", { class: "name" }, make("b", {}, box.name), ` · ${box.half}`), make("p", {}, box.about)];
  if (box.window) parts.push(...facts(map, box.window));
  else if (!map.payload.small && box.half === "decoder") parts.push(make("p", { class: "muted" }, "The reading model has no decoder: nothing to show here."));
  if (id === "inputs" && !map.payload.small) parts.push(tokenList(map.payload.tokens));
  const lesson = Object.assign(document.createElement("a"), { className: "lesson", href: box.topic, textContent: `Lesson: ${box.lesson} →` });
  lesson.dataset.box = id;
  map.window.replaceChildren(...parts, make("p", {}, lesson));
}

function facts({ payload: { tokens } }, { rows, shape, length, seen, signed, limit, picture }) {
  const height = Math.min(300, Math.max(96, rows * 14));
  const box = make("div", { class: "picture", style: `height: ${height / 12}em` });
  if (rows === tokens.length && rows <= 21)
    box.append(make("ol", { "aria-hidden": true }, ...tokens.map((token) => make("li", {}, make("bdi", {}, token)))));
  box.append(make("img", { src: picture, alt: seen }));
  const bound = limit.toPrecision(2);
  return [
    make("p", { class: "facts" }, make("span", {}, shape), make("span", {}, length)),
    box,
    make("p", { class: "muted" }, `${seen} `, make("span", { class: signed ? "scale signed" : "scale" }, signed ? `−${bound} ` : "0 ", make("i"), ` ${bound}`)),
  ];
}

function tokenList(tokens) {
  return make("p", { class: "tokens" }, ...tokens.flatMap((token) => [make("bdi", {}, token), " "]));
}

// ---- pointing, keys, following ----

function listen(map) {
  const boxOf = ({ target }) => map.boxes[target.closest?.("[data-box]")?.dataset.box];
  const point = (event) => {
    const box = boxOf(event);
    if (box && box.id !== map.shown && map.drawing.contains(event.target)) show(map, box.id);
  };
  map.root.addEventListener("pointerover", (event) => event.pointerType !== "touch" && point(event));
  map.root.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && point(event));
  map.root.addEventListener("keydown", (event) => move(map, event, boxOf(event)));
  for (const use of ["pointerdown", "keydown"])
    map.root.addEventListener(use, (event) => {
      const box = boxOf(event);
      if (box) event.target.closest("a").setAttribute("href", address(box.topic));
    });
  map.root.addEventListener("click", (event) => {
    const box = boxOf(event);
    if (!box || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    // A finger cannot point: the first touch opens the window, the next one follows the link.
    const opens = event.pointerType === "touch" && box.id !== map.shown;
    const path = new URL(box.topic, location.href).pathname;
    const own = [...document.links].find((link) => link.pathname === path && !link.search && !link.hash);
    if (!opens && !own) return;
    event.preventDefault();
    if (opens) show(map, box.id);
    else own.click(); // Streamlit's own link leads there without loading everything anew
  });
}

// The sentence goes along into a new tab; it is in the address by the time a link is used.
function address(topic) {
  const sentence = new URLSearchParams(location.search).get("sentence");
  return sentence === null ? topic : `${topic}?${new URLSearchParams({ sentence })}`;
}

function move(map, event, box) {
  if (!box || !map.drawing.contains(event.target)) return;
  const column = SLOTS[box.half];
  const slot = column.indexOf(box.id);
  const other = SLOTS[box.half === "encoder" ? "decoder" : "encoder"];
  const next = {
    ArrowUp: column[slot + 1],
    ArrowDown: column[slot - 1],
    ArrowRight: box.half === "encoder" ? other[Math.min(slot, other.length - 1)] : undefined,
    ArrowLeft: box.half === "decoder" ? other[Math.min(slot, other.length - 1)] : undefined,
    Home: column[0],
    End: column.at(-1),
  };
  if (!(event.key in next)) return;
  event.preventDefault();
  if (next[event.key]) map.boxes[next[event.key]].link.focus();
}

// ---- download ----

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "font-weight", "font-size", "font-family"];

function exportSvg({ svg }) {
  const copy = svg.cloneNode(true);
  const [originals, copies] = [svg, copy].map((root) => root.querySelectorAll("rect, path, text"));
  originals.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of STYLES) copies[i].setAttribute(name, plain(style.getPropertyValue(name)));
    copies[i].removeAttribute("class");
  });
  for (const image of copy.querySelectorAll("image")) image.setAttribute("image-rendering", "pixelated");
  for (const link of copy.querySelectorAll("a")) link.replaceWith(...link.childNodes);
  const { width, height } = svg.viewBox.baseVal;
  const paper = getComputedStyle(svg).getPropertyValue("--st-background-color");
  copy.prepend(make("rect", { width, height, fill: paper }));
  return copy;
}

// Mixed colours, as numbers that every program reads.
function plain(value) {
  if (!value.startsWith("color(")) return value;
  const parts = value.match(/[\d.]+/g).slice(0, 3).map((part) => Math.round(255 * part));
  return `rgb(${parts.join()})`;
}
