// Gradients over the distance, in decades. All curves are here: the sliders ask no server.
// pages/ui/components/gradient_view.py packs the payload and checks what is reported back.

const REPORT_DELAY = 200; // ms
const HEIGHT = 380; // px, as all that is drawn, on an ordinary page: the drawing is enlarged with its type
const TICK = 14;
const SLIDERS = {
  gain: "Gain of the recurrent matrix (tanh, ReLU)",
  bias: "Bias of the gate that keeps (LSTM, GRU)",
};
const MINUS = "\u2212";
const figures = new WeakMap(); // parentElement -> figure

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const figure = figures.get(parentElement) ?? mount(parentElement);
  figure.report = (position) => setStateValue("position", position);
  const payload = decode(data);
  adoptPosition(figure, payload.position);
  figure.payload = payload;
  for (const [name, { input }] of Object.entries(figure.sliders)) input.max = payload.scales[name].length - 1;
  if (figure.distance >= payload.n_distances) figure.distance = null;
  draw(figure);
  figure.ask = () => setTriggerValue("more", true);
  if (figure.near) askForMore(figure);
  return () => figure.root.isConnected || clearTimeout(figure.timer);
}

function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const payload = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const values = new Float32Array(bytes.slice(4 + size).buffer);
  const n = payload.n_distances;
  let start = 0;
  for (const line of payload.lines)
    line.curves = new Map(line.places.map((place) => {
      const [low, middle, high] = [0, 1, 2].map((row) => values.subarray(start + row * n, start + (row + 1) * n));
      start += 3 * n;
      return [place, { low, middle, high }];
    }));
  return payload;
}

function mount(parentElement) {
  const root = make("div", { class: "gradients" });
  const figure = { root, distance: null, near: false, reports: [], sliders: {} };
  const controls = make("div", { class: "sliders" });
  for (const [name, label] of Object.entries(SLIDERS)) {
    const input = make("input", { type: "range", min: 0, step: 1, "aria-label": label });
    const output = make("output");
    input.addEventListener("input", () => move(figure, { [name]: Number(input.value) }));
    controls.append(make("label", {}, make("span", {}, label, " ", output), input));
    figure.sliders[name] = { input, output };
  }
  figure.heading = make("p", { class: "heading" });
  figure.legend = make("ul", { class: "legend" });
  figure.notes = make("p", { class: "notes" });
  figure.status = make("div", { role: "status" }, figure.heading, figure.legend, figure.notes);
  figure.plot = make("svg", { class: "plot", tabindex: 0, role: "application", "aria-roledescription": "chart" });
  root.append(controls, figure.plot, figure.status);
  listen(figure);
  new ResizeObserver(() => figure.payload && roomOf(figure).width !== figure.width && draw(figure)).observe(root);
  parentElement.append(root);
  parentElement.host.exportSvg = () => exportSvg(figure); // the SVG and PNG buttons under a figure ask for it
  figures.set(parentElement, figure);
  return figure;
}

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect", "text", "tspan", "g", "line"].includes(tag);
  const node = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- the sliders ----

// The server answers late: an answer to an earlier move, or one that only repeats what Python said
// before, must not undo what the learner has moved since.
function adoptPosition(figure, position) {
  const said = JSON.stringify(position);
  const answered = figure.reports.indexOf(said);
  if (answered >= 0) figure.reports.splice(0, answered + 1);
  else if (said !== figure.said) {
    clearTimeout(figure.timer);
    figure.reports = [];
    figure.position = position;
  }
  figure.said = said;
}

function move(figure, choice) {
  figure.position = { ...figure.position, ...choice };
  draw(figure);
  clearTimeout(figure.timer);
  figure.timer = setTimeout(() => {
    figure.reports.push(JSON.stringify(figure.position));
    // Streamlit calls back for new values only, and a slider can return to an earlier one.
    figure.report({ ...figure.position, at: Date.now() });
  }, REPORT_DELAY);
}

// The rest of the curves is wanted as soon as somebody comes near the sliders: a mouse on its way, a
// finger, the keyboard. It comes in several answers, each asked for once the last has been painted.
function askForMore(figure) {
  if (!figure.payload.complete) setTimeout(figure.ask);
}

// ---- reading the curves ----

const curveOf = ({ position }, line) => line.curves.get(line.moved_by ? position[line.moved_by] : 0);

// Every line that can be drawn now, with the first distance at which the middle network has nothing
// left, and the first at which it is too large.
function shown(figure) {
  return figure.payload.lines.map((line) => {
    const curve = curveOf(figure, line);
    const middle = curve ? [...curve.middle] : [];
    return { ...line, curve, zeroFrom: middle.indexOf(-Infinity), tooLargeFrom: middle.findIndex(Number.isNaN) };
  });
}

function exponent(decades) {
  return decades.toFixed(1).replace("-0.0", "0.0").replace("-", MINUS);
}

function written(decades) {
  if (decades === undefined) return ["is being computed"];
  if (Number.isNaN(decades)) return ["too large"];
  if (decades === -Infinity) return ["exactly 0"];
  return ["10", make("sup", {}, exponent(decades))];
}

// What theory predicts for tanh, in decades per step; nothing where there is no step, or no gain.
const slopeOf = ({ payload, position }) => (payload.n_distances > 1 ? payload.theory[position.gain] : null);

// ---- drawing ----

function draw(figure) {
  const { payload, position, sliders } = figure;
  Object.assign(figure, roomOf(figure));
  for (const [name, { input, output }] of Object.entries(sliders)) {
    const value = `${payload.scales[name][position[name]]}`;
    input.value = position[name];
    input.setAttribute("aria-valuetext", value);
    output.textContent = value;
  }
  figure.lines = shown(figure);
  figure.frame = frameOf(figure);
  if (figure.width) drawPlot(figure);
  point(figure, figure.distance);
}

function roomOf({ root, plot }) {
  const zoom = parseFloat(getComputedStyle(plot).fontSize) / TICK || 1; // no size: taken off the page
  return { zoom, width: root.clientWidth / zoom };
}

// The axis reaches as far as the middle networks do, in steps that are easy to read.
function frameOf({ width, lines, payload }) {
  const seen = lines.flatMap(({ curve }) => (curve ? [...curve.middle].filter(Number.isFinite) : []));
  const [least, most] = [Math.min(0, ...seen), Math.max(0, ...seen)];
  const step = [1, 2, 5, 10, 20].find((size) => (most - least) / size <= 8) ?? 20;
  const low = Math.min(-step, Math.floor(least / step) * step);
  const high = Math.max(step, Math.ceil(most / step) * step);
  const [left, right, top, bottom] = [64, 14, 12, 46];
  const last = Math.max(1, payload.n_distances - 1);
  return {
    left, right: width - right, top, bottom: HEIGHT - bottom, low, high, step, last,
    x: (distance) => left + (distance / last) * (width - right - left),
    y: (decades) => HEIGHT - bottom - ((Math.min(high, Math.max(low, decades)) - low) / (high - low)) * (HEIGHT - bottom - top),
  };
}

function drawPlot(figure) {
  const { root, plot, width, zoom, frame, lines } = figure;
  const { left, right, top, bottom } = frame;
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.setAttribute("width", width * zoom);
  plot.setAttribute("height", HEIGHT * zoom);
  root.style.setProperty("--zoom", zoom);
  plot.setAttribute("aria-label", "Gradient over the distance. The left and right arrow keys move along the distances.");
  figure.cursor = make("line", { y1: top, y2: bottom, class: "cursor" });
  plot.replaceChildren(...axes(figure), ...lines.flatMap((line) => band(line, frame)), ...theory(figure),
    ...lines.flatMap((line) => middle(line, frame)), ...lines.flatMap((line) => marks(line, frame)), figure.cursor);
  plot.append(make("rect", { x: left, y: top, width: Math.max(0, right - left), height: bottom - top, class: "target" }));
}

function axes({ width, frame }) {
  const { left, right, top, bottom, low, high, step, last, x, y } = frame;
  const nodes = [];
  for (let decades = low; decades <= high; decades += step) {
    nodes.push(make("line", { x1: left, x2: right, y1: y(decades), y2: y(decades), class: decades ? "grid" : "grid zero" }));
    const label = make("text", { x: left - 6, y: y(decades), dy: "0.35em", class: "tick end" }, decades ? "10" : "1");
    if (decades) label.append(make("tspan", { dy: "-0.45em", "font-size": "0.75em" }, `${decades}`.replace("-", MINUS)));
    nodes.push(label);
  }
  const apart = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => last / size <= width / 90) ?? 1000;
  for (let distance = 0; distance <= last; distance += apart)
    nodes.push(make("text", { x: x(distance), y: bottom + 18, class: "tick" }, distance));
  nodes.push(make("text", { x: (left + right) / 2, y: bottom + 38, class: "tick" }, "distance (steps back)"));
  nodes.push(make("text", { x: -(top + bottom) / 2, y: 14, transform: "rotate(-90)", class: "tick" }, "gradient ÷ gradient at the last step"));
  return nodes;
}

function band({ curve, color, tooLargeFrom, zeroFrom }, { x, y, high }) {
  if (!curve) return [];
  const ends = [tooLargeFrom, zeroFrom].filter((end) => end >= 0);
  const n = Math.min(curve.low.length, ...ends);
  const upper = Array.from({ length: n }, (_, d) => `${x(d)},${y(Number.isNaN(curve.high[d]) ? high : curve.high[d])}`);
  const lower = Array.from({ length: n }, (_, d) => `${x(d)},${y(curve.low[d])}`).reverse();
  return n > 1 ? [make("path", { d: `M${[...upper, ...lower].join("L")}Z`, fill: color, "fill-opacity": 0.16 })] : [];
}

function middle({ curve, color }, { x, y }) {
  if (!curve) return [];
  const points = [...curve.middle].flatMap((decades, d) => (Number.isFinite(decades) ? [`${x(d)},${y(decades)}`] : []));
  if (!points.length) return [];
  const path = points.length > 1 ? `M${points.join("L")}` : `M${points[0]}h0.01`; // a single point is a dot
  return [make("path", { d: path, stroke: color, "stroke-width": points.length > 1 ? 2.5 : 9, class: "line" })];
}

// A cross where the middle network's gradient has become exactly 0, an arrow where it left float32.
function marks({ color, zeroFrom, tooLargeFrom }, { x, y, low, high }) {
  const nodes = [];
  if (zeroFrom >= 0) nodes.push(make("path", { d: `M${x(zeroFrom) - 6},${y(low) - 6}l12,12m0,-12l-12,12`, stroke: color, "stroke-width": 3, class: "line" }));
  if (tooLargeFrom >= 0) nodes.push(make("path", { d: `M${x(tooLargeFrom)},${y(high) + 14}v-12m-6,6l6,-6l6,6`, stroke: color, "stroke-width": 3, class: "line" }));
  return nodes;
}

function theory(figure) {
  const slope = slopeOf(figure);
  if (slope === null) return [];
  const { lines, frame: { x, y, low, high, last } } = figure;
  const end = Math.min(last, slope < 0 ? low / slope : slope > 0 ? high / slope : last);
  return [make("path", { d: `M${x(0)},${y(0)}L${x(end)},${y(slope * end)}`, stroke: lines[0].color, "stroke-width": 2, "stroke-dasharray": "2 6", class: "line" })];
}

// ---- pointing: the legend says the values at one distance ----

function point(figure, distance) {
  const { payload, lines, frame, heading, legend, notes, cursor } = figure;
  figure.distance = distance;
  const last = payload.n_distances - 1;
  const at = distance ?? last;
  if (cursor) {
    cursor.setAttribute("x1", frame.x(at));
    cursor.setAttribute("x2", frame.x(at));
    cursor.classList.toggle("pointing", distance !== null);
  }
  heading.textContent = last ? `At distance ${at}${at === last ? ", the first step" : ""}:` : "One step only: there is no way back.";
  const slope = slopeOf(figure);
  const items = lines.map(({ name, color, curve }) => item(name, color, written(curve?.middle[at]), "solid"));
  if (slope !== null) items.splice(1, 0, item("theory for a wide tanh RNN", lines[0].color, written(slope * at), "dashed"));
  legend.replaceChildren(...items);
  figure.ended = lines.flatMap(({ name, zeroFrom, tooLargeFrom }) => [
    ...(zeroFrom >= 0 ? [`${name}: exactly 0 from distance ${zeroFrom} (×).`] : []),
    ...(tooLargeFrom >= 0 ? [`${name}: too large for float32${tooLargeFrom > 1 ? ` from distance ${tooLargeFrom}` : ""} (↑).`] : []),
  ]);
  notes.textContent = figure.ended.join(" ");
}

function item(name, color, value, style) {
  const swatch = make("span", { class: `swatch ${style}` });
  swatch.style.color = color;
  return make("li", {}, swatch, `${name} `, make("b", {}, ...value));
}

function listen(figure) {
  const { root, plot } = figure;
  for (const event of ["pointerenter", "focusin"])
    root.addEventListener(event, () => {
      if (!figure.near) askForMore(figure);
      figure.near = true;
    });
  root.addEventListener("pointerleave", () => (figure.near = root.matches(":focus-within")));
  root.addEventListener("focusout", () => (figure.near = root.matches(":hover")));
  const distanceAt = ({ clientX }) => {
    const { left, right, last } = figure.frame;
    const share = ((clientX - plot.getBoundingClientRect().left) / figure.zoom - left) / (right - left);
    return Math.min(figure.payload.n_distances - 1, Math.max(0, Math.round(share * last)));
  };
  plot.addEventListener("pointermove", (event) => point(figure, distanceAt(event)));
  plot.addEventListener("pointerdown", (event) => point(figure, distanceAt(event)));
  plot.addEventListener("pointerleave", () => point(figure, null));
  plot.addEventListener("blur", () => point(figure, null));
  plot.addEventListener("keydown", (event) => {
    const last = figure.payload.n_distances - 1;
    const at = figure.distance ?? last;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, PageDown: at - 10, PageUp: at + 10, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    point(figure, Math.min(last, Math.max(0, next)));
  });
}

// ---- download ----

function exportSvg(figure) {
  const style = getComputedStyle(figure.root);
  const value = (name) => style.getPropertyValue(name).trim();
  const svg = figure.plot.cloneNode(true);
  const values = [...figure.legend.children].map((node) => node.textContent.replace(/10(−?\d+\.\d)$/, "10^$1"));
  const rows = [...values, ...figure.ended];
  const height = HEIGHT + 26 * rows.length + 12;
  svg.setAttribute("width", figure.width);
  for (const name of ["tabindex", "role", "class"]) svg.removeAttribute(name);
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${figure.width} ${height}`);
  svg.setAttribute("font-family", value("--st-font"));
  svg.setAttribute("font-size", 14);
  svg.setAttribute("fill", value("--st-text-color"));
  for (const node of svg.querySelectorAll(".target, .cursor")) node.remove();
  for (const node of svg.querySelectorAll(".grid")) node.setAttribute("stroke", value("--st-border-color"));
  for (const node of svg.querySelectorAll(".line")) node.setAttribute("fill", "none");
  for (const node of svg.querySelectorAll(".tick")) node.setAttribute("text-anchor", node.matches(".end") ? "end" : "middle");
  svg.prepend(make("rect", { width: figure.width, height, fill: value("--st-background-color") }));
  rows.forEach((text, i) => {
    const swatch = figure.legend.children[i]?.firstChild;
    const y = HEIGHT + 26 * i + 16;
    if (swatch) svg.append(make("line", { x1: 12, x2: 40, y1: y - 5, y2: y - 5, stroke: swatch.style.color, "stroke-width": 3,
      "stroke-dasharray": swatch.matches(".dashed") ? "2 6" : "none" }));
    svg.append(make("text", { x: 48, y }, text));
  });
  return svg;
}
