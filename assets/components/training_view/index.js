// A training that is watched: lines that grow with every update, and a profile that moves.
// pages/ui/components/training_view.py packs the payload: one message a second with everything so
// far (thinned out) and the frames of the last second, which are played over the next one.

const SECOND = 1000; // ms over which the frames of a message are played
const SPEAK_EVERY = 5000; // ms between two announcements to those who listen
const HEIGHT = 230; // px, as all that is drawn, on an ordinary page: the drawing is enlarged with its type
const TYPE = 13;
const ROOM = { left: 52, right: 14, top: 10, bottom: 42 };
const MARKERS = ["circle", "square", "triangle", "diamond", "cross"];
const figures = new WeakMap(); // parentElement -> figure

const FRAME = `
  <div class="training">
    <div class="legend" role="group" aria-label="Models"></div>
    <p class="counter"></p>
    <div class="panels"></div>
    <p class="spoken" role="status"></p>
  </div>`;

export default function ({ data, parentElement }) {
  const figure = figures.get(parentElement) ?? mount(parentElement);
  figure.call = data;
  update(figure, decode(data));
  // Streamlit may clean up after an earlier call when a later one has already drawn.
  return () => figure.call === data && unmount(figure, parentElement);
}

function mount(parentElement) {
  const root = document.createRange().createContextualFragment(FRAME).firstElementChild;
  const figure = { root, apart: null, drawn: [] };
  for (const name of ["legend", "counter", "panels", "spoken"]) figure[name] = root.querySelector(`.${name}`);
  figure.resized = new ResizeObserver(() => figure.payload && draw(figure));
  figure.resized.observe(figure.panels);
  parentElement.append(root);
  parentElement.host.exportSvg = () => exportSvg(figure); // the SVG and PNG buttons under a figure ask for it
  figures.set(parentElement, figure);
  return figure;
}

function unmount(figure, parentElement) {
  cancelAnimationFrame(figure.request);
  figure.resized.disconnect();
  figure.root.remove();
  figures.delete(parentElement);
}

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "text"].includes(tag);
  const node = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- what comes from Python ----

// [u32 header length][header: JSON][float32 ...]: for each model the updates and, for each of them,
// (series, seed); for each model that has one its profile (seed, x); then the frames.
function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const numbers = new Float32Array(bytes.slice(4 + size).buffer);
  const [n_points, n_profile] = [header.n_series * header.n_seeds, header.n_seeds * header.n_x];
  let at = 0;
  const take = (n) => numbers.subarray(at, (at += n));
  header.models.forEach((model) => {
    model.steps = take(model.n_points);
    model.values = take(model.n_points * n_points);
  });
  header.models.forEach((model) => (model.profile = model.has_profile ? take(n_profile) : null));
  header.frames = [];
  while (at < numbers.length) {
    const [model, step, has_profile] = take(3);
    header.frames.push({ model, step, values: take(n_points), profile: has_profile ? take(n_profile) : null });
  }
  return header;
}

function update(figure, payload) {
  const fresh = figure.payload?.run !== payload.run || figure.payload.models.length !== payload.models.length;
  figure.payload = payload;
  for (const [name, color] of Object.entries(payload.colors)) figure.root.style.setProperty(`--${name}`, color);
  if (fresh) {
    figure.shown = payload.models.map((model, i) => {
      const first = payload.frames.find((frame) => frame.model === i);
      return { step: first ? first.step - 1 : Infinity, values: null, profile: first ? null : model.profile };
    });
    figure.ranges = payload.panels.map((panel) => panel.limits);
    figure.drawn = [];
  }
  figure.queue = payload.frames.filter((frame) => frame.step > figure.shown[frame.model].step);
  payload.models.forEach((model, i) => {
    const last = model.steps.at(-1) ?? 0;
    const playing = figure.queue.some((frame) => frame.model === i);
    if (!playing) figure.shown[i] = { step: last, values: null, profile: model.profile };
  });
  widenRanges(figure);
  writeLegend(figure);
  makePanels(figure);
  cancelAnimationFrame(figure.request);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) show(figure, figure.queue.length);
  if (figure.queue.length) play(figure);
  else draw(figure);
  speak(figure);
}

// ---- playing ----

function play(figure) {
  const [begin, n] = [performance.now(), figure.queue.length];
  const tick = (now) => {
    const due = Math.min(n, 1 + Math.floor((n * Math.max(now - begin, 0)) / SECOND));
    const played = n - figure.queue.length;
    if (due > played) show(figure, due - played);
    if (figure.queue.length) figure.request = requestAnimationFrame(tick);
  };
  figure.request = requestAnimationFrame(tick);
}

function show(figure, n) {
  for (const { model, step, values, profile } of figure.queue.splice(0, n))
    figure.shown[model] = { step, values, profile: profile ?? figure.shown[model].profile };
  const now = performance.now();
  figure.drawn = [...figure.drawn.filter((moment) => moment > now - SECOND), now];
  draw(figure);
}

function count(figure) {
  const { shown, drawn, payload } = figure;
  const step = Math.max(0, ...shown.map((model) => model.step));
  const pace = figure.queue.length ? ` · ${drawn.length} pictures a second` : "";
  figure.counter.textContent = `Update ${step} of ${payload.n_updates}${pace} · ${payload.note}`;
}

// ---- the panels ----

function makePanels(figure) {
  const { panels } = figure.payload;
  if (figure.titles === JSON.stringify(panels)) return;
  figure.titles = JSON.stringify(panels);
  figure.canvases = panels.map(() => make("canvas", { role: "img" }));
  figure.panels.replaceChildren(
    ...panels.map((panel, i) => {
      const title = make("figcaption", {}, make("b", {}, panel.title), ` ${panel.unit}`);
      return make("figure", {}, title, figure.canvases[i]);
    }),
  );
}

function widenRanges(figure) {
  const { payload } = figure;
  figure.ranges = payload.panels.map((panel, p) => {
    if (panel.limits) return panel.limits;
    let [low, high] = figure.ranges[p] ?? [Infinity, -Infinity];
    const include = (value) => {
      if (!Number.isFinite(value) || (panel.log && value <= 0)) return;
      low = Math.min(low, value);
      high = Math.max(high, value);
    };
    if (panel.baseline !== null) include(panel.baseline);
    const profiles = [...payload.models, ...payload.frames].map((source) => source.profile ?? []);
    if (panel.x) profiles.forEach((profile) => profile.forEach(include));
    else for (const source of [...payload.models, ...payload.frames]) eachValue(payload, panel, source.values, include);
    return low <= high ? [low, high] : null;
  });
}

function eachValue({ n_seeds, n_series }, panel, values, visit) {
  for (let at = 0; at < values.length; at += n_seeds * n_series)
    for (const series of panel.series)
      for (let seed = 0; seed < n_seeds; seed++) visit(values[at + series * n_seeds + seed]);
}

function draw(figure) {
  count(figure);
  figure.canvases.forEach((canvas, i) => {
    const zoom = parseFloat(getComputedStyle(canvas).fontSize) / TYPE;
    const width = canvas.parentNode.clientWidth / zoom;
    const scale = zoom * devicePixelRatio;
    const [pixels, tall] = [Math.round(width * scale), Math.round(HEIGHT * scale)];
    if (canvas.width !== pixels || canvas.height !== tall) Object.assign(canvas, { width: pixels, height: tall });
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    drawPanel(figure, i, canvasPen(context, look(figure).font), width);
  });
}

function look({ root }) {
  const style = getComputedStyle(root);
  const [ink, paper, line] = ["text", "background", "border"].map((name) => style.getPropertyValue(`--st-${name}-color`));
  return { font: style.fontFamily, ink, paper, line };
}

function drawPanel(figure, i, pen, width) {
  const { payload, shown, apart } = figure;
  const panel = payload.panels[i];
  const { ink, paper, line } = look(figure);
  const [left, right, top, bottom] = [ROOM.left, width - ROOM.right, ROOM.top, HEIGHT - ROOM.bottom];
  const [from, to] = panel.x ? [panel.x[0], panel.x.at(-1)] : [0, horizon(shown, payload.n_updates)];
  const x = (value) => left + ((value - from) / (to - from || 1)) * (right - left);
  const { low, high, ticks } = scale(figure.ranges[i] ?? (panel.log ? [0.1, 1] : [0, 1]), panel.log);
  const level = panel.log ? Math.log10 : (value) => value;
  const y = (value) => bottom - ((level(value) - low) / (high - low)) * (bottom - top);

  for (const { value, label } of ticks) {
    pen.line([[left, y(value)], [right, y(value)]], { color: line, width: 1 });
    pen.text(left - 6, y(value), label, { color: ink, align: "right" });
  }
  for (const value of steps(from, to)) pen.text(x(value), bottom + 13, `${value}`, { color: ink, align: "center" });
  pen.text((left + right) / 2, bottom + 31, panel.x_label, { color: ink, align: "center" });
  payload.models.forEach((model, m) => {
    const color = payload.colors[model.color];
    const alpha = apart === null || apart === m ? 1 : 0.12;
    for (let seed = 0; seed < payload.n_seeds; seed++)
      (panel.x ? [null] : panel.series).forEach((series, s) => {
        const points = panel.x ? profilePoints(panel, shown[m], seed) : seriesPoints(payload, model, shown[m], series, seed);
        const visible = ([, value]) => Number.isFinite(value) && (!panel.log || value > 0);
        const place = ([at, value]) => (visible([at, value]) ? [x(at), y(value)] : null);
        pen.line(points.map(place), { color, width: 1.4, alpha, dash: s ? [5, 4] : [] });
        markEnds(pen, points, { place, visible, x, bottom, color, alpha, marker: MARKERS[m % MARKERS.length], moving: !panel.x });
      });
  });
  if (panel.baseline !== null) {
    const at = y(panel.baseline);
    pen.line([[left, at], [right, at]], { color: ink, width: 1.5, dash: [2, 4] });
    pen.text(right, at + (at < top + 20 ? 11 : -11), panel.baseline_label, { color: ink, align: "right", halo: paper });
  }
}

// The last point of a line; where it ends because numbers ended, a cross; where it is 0, a 0.
function markEnds(pen, points, { place, visible, x, bottom, color, alpha, marker, moving }) {
  const last = points.findLastIndex(visible);
  const lost = points.find(([, value], i) => i > last && !Number.isFinite(value));
  const zero = moving ? undefined : points.find(([, value]) => value === 0);
  if (lost && moving) pen.mark(...(last < 0 ? [x(lost[0]), bottom] : place(points[last])), { color, alpha, marker: "lost" });
  else if (moving && last >= 0) pen.mark(...place(points[last]), { color, alpha, marker });
  else
    for (let i = 0; i < points.length; i += Math.ceil(points.length / 5)) {
      const at = place(points[i]);
      if (at) pen.mark(...at, { color, alpha, marker });
    }
  if (zero) pen.text(x(zero[0]), bottom - 6, "0", { color, align: "center" });
}

function seriesPoints({ n_seeds, n_series }, { steps, values }, shown, series, seed) {
  const points = [];
  for (let i = 0; i < steps.length && steps[i] <= shown.step; i++)
    points.push([steps[i], values[(i * n_series + series) * n_seeds + seed]]);
  if (shown.values) points.push([shown.step, shown.values[series * n_seeds + seed]]);
  return points;
}

function profilePoints({ x }, { profile }, seed) {
  return profile ? x.map((at, i) => [at, profile[seed * x.length + i]]) : [];
}

// The axis of updates grows by doubling, so that lines are not redrawn elsewhere at every update.
function horizon(shown, n_updates) {
  const step = Math.max(1, ...shown.map((model) => (Number.isFinite(model.step) ? model.step : 1)));
  return Math.min(n_updates, Math.max(25, 25 * 2 ** Math.ceil(Math.log2(step / 25))));
}

function scale([low, high], log) {
  if (!log) return { low, high, ticks: steps(low, high).map((value) => ({ value, label: `${value}` })) };
  const [first, last] = [Math.floor(Math.log10(low) + 1e-6), Math.ceil(Math.log10(high) - 1e-6)];
  const end = Math.max(last, first + 1);
  const every = Math.ceil((end - first) / 6);
  const label = end - first > 4 ? powerOfTen : (power) => `${Number((10 ** power).toPrecision(1))}`;
  const ticks = [];
  for (let power = end; power >= first; power -= every) ticks.push({ value: 10 ** power, label: label(power) });
  return { low: first, high: end, ticks };
}

function powerOfTen(power) {
  return `10${[...`${power}`].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("")}`;
}

function steps(from, to) {
  const rough = (to - from) / 5 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const every = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough - 1e-9);
  const values = [];
  for (let i = Math.ceil(from / every); i * every <= to + 1e-9; i++) values.push(Number((i * every).toPrecision(6)));
  return values;
}

// ---- two pens: one for the screen, one for downloads ----

function canvasPen(context, font) {
  const begin = ({ color, alpha = 1 }) => {
    context.strokeStyle = context.fillStyle = color;
    context.globalAlpha = alpha;
  };
  return {
    line(points, style) {
      begin(style);
      context.lineWidth = style.width;
      context.setLineDash(style.dash ?? []);
      context.beginPath();
      points.forEach((point, i) => point && (points[i - 1] ? context.lineTo(...point) : context.moveTo(...point)));
      context.stroke();
      context.setLineDash([]);
    },
    text(x, y, words, style) {
      begin(style);
      context.font = `${TYPE}px ${font}`;
      context.textAlign = style.align;
      context.textBaseline = "middle";
      if (style.halo) {
        Object.assign(context, { strokeStyle: style.halo, lineWidth: 4 });
        context.strokeText(words, x, y);
      }
      context.fillText(words, x, y);
    },
    mark(x, y, style) {
      begin(style);
      const path = new Path2D(markerPath(style.marker, x, y));
      context.lineWidth = 2;
      if (isStroke(style.marker)) context.stroke(path);
      else context.fill(path);
    },
  };
}

function svgPen(group, font) {
  return {
    line(points, { color, width, alpha = 1, dash = [] }) {
      const path = points.map((point, i) => (point ? `${points[i - 1] ? "L" : "M"}${point.map((v) => v.toFixed(1)).join(" ")}` : ""));
      const attributes = { d: path.join(""), fill: "none", stroke: color, "stroke-width": width, opacity: alpha };
      group.append(make("path", { ...attributes, "stroke-dasharray": dash.join(" ") || "none" }));
    },
    text(x, y, words, { color, align, halo = "none" }) {
      const anchor = { left: "start", center: "middle", right: "end" }[align];
      const outline = { stroke: halo, "stroke-width": 4, "paint-order": "stroke" };
      group.append(make("text", { x, y: y + 4, fill: color, "font-size": TYPE, "font-family": font, "text-anchor": anchor, ...outline }, words));
    },
    mark(x, y, { color, alpha = 1, marker }) {
      const paint = isStroke(marker) ? { stroke: color, "stroke-width": 2, fill: "none" } : { fill: color };
      group.append(make("path", { d: markerPath(marker, x, y), opacity: alpha, ...paint }));
    },
  };
}

const isStroke = (marker) => marker === "lost" || marker === "cross";

function markerPath(marker, x, y) {
  const at = (dx, dy) => `${(x + dx).toFixed(1)} ${(y + dy).toFixed(1)}`;
  switch (marker) {
    case "lost":
      return `M${at(-5, -5)}L${at(5, 5)}M${at(-5, 5)}L${at(5, -5)}`;
    case "cross":
      return `M${at(-4, 0)}L${at(4, 0)}M${at(0, -4)}L${at(0, 4)}`;
    case "square":
      return `M${at(-3, -3)}L${at(3, -3)}L${at(3, 3)}L${at(-3, 3)}Z`;
    case "triangle":
      return `M${at(0, -4)}L${at(4, 3)}L${at(-4, 3)}Z`;
    case "diamond":
      return `M${at(0, -4)}L${at(4, 0)}L${at(0, 4)}L${at(-4, 0)}Z`;
    default:
      return `M${at(-3, 0)}A3 3 0 1 0 ${at(3, 0)}A3 3 0 1 0 ${at(-3, 0)}Z`;
  }
}

// ---- words ----

function writeLegend(figure) {
  const { legend, payload } = figure;
  const names = JSON.stringify(payload.models.map(({ name, note, color }) => [name, note, color, payload.run]));
  if (figure.names !== names) {
    figure.names = names;
    figure.apart = null;
    legend.replaceChildren(
      ...payload.models.map((model, m) => {
        const swatch = make("svg", { width: 26, height: 14, "aria-hidden": true });
        swatch.append(make("path", { d: "M0 7H26", stroke: `var(--${model.color})`, "stroke-width": 2 }));
        svgPen(swatch, "").mark(13, 7, { color: `var(--${model.color})`, marker: MARKERS[m % MARKERS.length] });
        const button = make("button", { type: "button", "aria-pressed": false }, swatch, make("b", {}, model.name), make("small", {}, model.note));
        button.addEventListener("click", () => setApart(figure, figure.apart === m ? null : m));
        return button;
      }),
    );
  }
  payload.models.forEach((model, m) => {
    const lost = lostSeeds(payload, model);
    legend.children[m].querySelector("small").textContent = lost
      ? `${model.note} · ✕ ${lost} of ${payload.n_seeds} seeds: not a number any more`
      : model.note;
  });
}

function lostSeeds({ n_seeds, n_series }, { values }) {
  const last = values.subarray(values.length - n_seeds * n_series);
  return [...Array(n_seeds).keys()].filter((seed) => last.length && !Number.isFinite(last[seed])).length;
}

function setApart(figure, model) {
  figure.apart = model;
  [...figure.legend.children].forEach((button, m) => button.setAttribute("aria-pressed", m === model));
  draw(figure);
}

// At most every few seconds, for screen readers; the pictures are named at the same time.
function speak(figure) {
  const { payload, canvases, spoken } = figure;
  const now = performance.now();
  if (figure.spokeAt !== undefined && now - figure.spokeAt < SPEAK_EVERY && figure.spokenRun === payload.run) return;
  Object.assign(figure, { spokeAt: now, spokenRun: payload.run });
  const about = (panel) =>
    payload.models.map((model) => `${model.name} ${written(median(latest(payload, panel, model)))}`).join(", ");
  payload.panels.forEach((panel, i) => {
    const what = panel.x ? `${panel.x_label}, ${panel.x[0]} to ${panel.x.at(-1)}. At ${panel.x.at(-1)}, in the median` : "In the median";
    canvases[i].setAttribute("aria-label", `${panel.title} ${panel.unit}. ${what}: ${about(panel)}.`);
  });
  const step = Math.max(...payload.models.map((model) => model.steps.at(-1) ?? 0));
  const panel = payload.panels.find(({ x }) => !x);
  if (step) spoken.textContent = `Update ${step}. ${panel.title} in the median: ${about(panel)}.`;
}

function latest({ n_seeds, n_series }, panel, { values, profile }) {
  const seeds = [...Array(n_seeds).keys()];
  if (panel.x) return profile ? seeds.map((seed) => profile[(seed + 1) * panel.x.length - 1]) : [];
  const last = values.subarray(values.length - n_seeds * n_series);
  return last.length ? seeds.map((seed) => last[panel.series[0] * n_seeds + seed]) : [];
}

function median(numbers) {
  const sorted = numbers.map((number) => (Number.isNaN(number) ? Infinity : number)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function written(number) {
  if (number === undefined || Number.isNaN(number)) return "nothing yet";
  return Number.isFinite(number) ? `${Number(number.toPrecision(2))}` : "not a number";
}

// ---- download ----

function exportSvg(figure) {
  const { payload, legend } = figure;
  const { font, ink, paper } = look(figure);
  const [width, row] = [560, HEIGHT + 34];
  const n_rows = Math.ceil(payload.panels.length / 2);
  const top = 16 + 22 * payload.models.length;
  const size = { width: 2 * width, height: top + n_rows * row + 8 };
  const page = make("svg", { ...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": font });
  page.append(make("rect", { ...size, fill: paper }));
  payload.models.forEach((model, m) => {
    const pen = svgPen(page, font);
    const [color, y] = [payload.colors[model.color], 20 + 22 * m];
    pen.line([[12, y], [38, y]], { color, width: 2 });
    pen.mark(25, y, { color, marker: MARKERS[m % MARKERS.length] });
    pen.text(46, y, `${model.name}, ${legend.children[m].querySelector("small").textContent}`, { color: ink, align: "left" });
  });
  payload.panels.forEach((panel, i) => {
    const group = make("g", { transform: `translate(${width * (i % 2)} ${top + row * Math.floor(i / 2)})` });
    svgPen(group, font).text(12, 14, `${panel.title} ${panel.unit}`, { color: ink, align: "left" });
    const inner = make("g", { transform: "translate(0 26)" });
    drawPanel(figure, i, svgPen(inner, font), width);
    group.append(inner);
    page.append(group);
  });
  return page;
}
