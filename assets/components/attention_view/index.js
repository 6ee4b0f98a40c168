// The attention weights of every block and head, on the learner's own tokens.
// pages/ui/components/attention_view.py packs the payload and checks what is reported back.

const VIEWS = ["arcs", "grid", "table"];
const GROUPINGS = { block: "by block", kind: "by what they do" };
const LINE_STEPS = 16; // lines of about the same weight share one path: few nodes, however many lines
const SHADE = 0.6; // exponent: small weights stay visible; the colour bar shows the same shades
const REPORT_DELAY = 150; // ms
const HINT = "Point at a token to see where it looks. Click it to keep it.";
const figures = new WeakMap(); // parentElement -> figure

export default function ({ data, parentElement, setStateValue }) {
  const figure = figures.get(parentElement) ?? mount(parentElement);
  figure.setStateValue = setStateValue;
  update(figure, decode(data));
  return () => unmount(figure, parentElement);
}

function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  return { ...header, n: header.tokens.length, weights: bytes.subarray(4 + size) };
}

function mount(parentElement) {
  const figure = { hover: null, focus: null, grouping: "block", reports: [], ...build() };
  figure.resized = new ResizeObserver(() => figure.selected.view === "grid" && drawView(figure));
  figure.resized.observe(figure.panel);
  listen(figure);
  parentElement.append(figure.root);
  parentElement.host.exportSvg = () => exportSvg(figure);
  figures.set(parentElement, figure);
  return figure;
}

function unmount(figure, parentElement) {
  clearTimeout(figure.timer);
  figure.resized.disconnect();
  figure.root.remove();
  figures.delete(parentElement);
}

// ---- the parts of the figure ----

const SVG_TAGS = new Set(["svg", "path", "rect", "text", "image"]);

function make(tag, attributes = {}, ...children) {
  const node = SVG_TAGS.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const button = (attributes, ...children) => make("button", { type: "button", ...attributes }, ...children);
const isolated = (text) => make("bdi", {}, text);

function build() {
  const chips = make("div", { class: "chips", role: "toolbar", "aria-label": "Tokens of the sentence" });
  const title = make("p", { class: "title" });
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "How this head is drawn" });
  for (const view of VIEWS)
    tabs.append(button({ role: "tab", id: `tab-${view}`, "aria-controls": "panel", "data-view": view }, view));
  const readout = make("p", { class: "readout", role: "status" });
  const panel = make("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: 0 });
  const lines = make("svg", { class: "lines", preserveAspectRatio: "none" });
  for (let step = 1; step <= LINE_STEPS; step++)
    lines.append(
      make("path", {
        fill: "none",
        "vector-effect": "non-scaling-stroke",
        "stroke-width": 0.75 + (5 * step) / LINE_STEPS,
        "stroke-opacity": 0.1 + (0.8 * step) / LINE_STEPS,
      }),
    );
  const arcs = make("div", { class: "arcs", role: "img" });
  const grid = make("canvas", { class: "grid", role: "application", tabindex: 0, "aria-roledescription": "heat map" });
  const table = make("table");
  const slider = make("input", { type: "range", min: 10, max: 100, step: 5, id: "share" });
  const share = make("output", { for: "share" });
  const threshold = make("label", { class: "share" }, "Show the strongest links that carry ", share, slider, "of the attention");
  const gridBar = colorBar();
  const grouping = make("div", { class: "tabs", role: "group", "aria-label": "Order of the heads" });
  for (const [name, text] of Object.entries(GROUPINGS)) grouping.append(button({ "data-grouping": name }, text));
  const caption = make("p", { class: "caption" });
  const heads = make("div", { class: "heads", role: "toolbar", "aria-label": "All heads" });
  const headsBar = colorBar();

  const focused = make(
    "section",
    { class: "focused", "aria-label": "Head in focus" },
    make("div", { class: "bar" }, title, tabs),
    readout,
    panel,
    make("div", { class: "bar foot" }, threshold, gridBar, make("small", {}, "drawn in 255 steps")),
  );
  const overview = make(
    "section",
    { class: "overview", "aria-label": "All heads" },
    make("div", { class: "bar" }, make("p", { class: "title" }, "All heads"), grouping),
    caption,
    heads,
    make("div", { class: "bar foot" }, headsBar, make("small", {}, "row: token that looks, column: token looked at")),
  );
  const root = make("div", { class: "attention" }, chips, make("div", { class: "columns" }, focused, overview));
  const views = { arcs, grid, table };
  const bars = [gridBar, headsBar].map((bar) => bar.querySelector("canvas"));
  return { root, chips, title, tabs, readout, panel, lines, views, slider, share, threshold, gridBar, grouping, caption, heads, bars };
}

function colorBar() {
  const scale = make("canvas", { width: 256, height: 1, role: "img", "aria-label": "Colour bar of the weights, from 0 to 1" });
  return make("span", { class: "color-bar" }, "weight 0", scale, "1");
}

// ---- what comes from Python ----

function update(figure, payload) {
  const before = figure.payload;
  const changed = (...names) => names.some((name) => JSON.stringify(before?.[name]) !== JSON.stringify(payload[name]));
  figure.payload = payload;
  for (const name of ["weights", "q", "k"]) figure.root.style.setProperty(`--${name}`, payload.colors[name]);
  adoptSelection(figure, payload.selected);
  if (changed("tokens")) writeTokens(figure);
  if (changed("n_blocks", "n_heads")) makeHeads(figure);
  if (changed("n_blocks", "n_heads", "kinds")) arrangeHeads(figure);
  if (changed("kinds", "off")) nameHeads(figure);
  const recolored = mixShades(figure);
  if (recolored || !sameWeights(before, payload)) drawHeads(figure);
  drawSelection(figure);
}

// The server answers late: an answer to an earlier choice, or one that only repeats what Python
// said before, must not undo what the learner has chosen since.
function adoptSelection(figure, selected) {
  const said = JSON.stringify(selected);
  const answered = figure.reports.indexOf(said);
  if (answered >= 0) figure.reports.splice(0, answered + 1);
  else if (said !== figure.said) {
    clearTimeout(figure.timer);
    figure.reports = [];
    figure.selected = selected;
  }
  figure.said = said;
}

function sameWeights(before, { weights }) {
  return before?.weights.length === weights.length && weights.every((weight, i) => weight === before.weights[i]);
}

function choose(figure, choice) {
  figure.selected = { ...figure.selected, ...choice };
  drawSelection(figure);
  clearTimeout(figure.timer);
  figure.timer = setTimeout(() => {
    const { block, head, token, view, share } = figure.selected;
    figure.reports.push(JSON.stringify({ block, head, token, view, share }));
    // Streamlit calls back for new values only, and a choice can return to an earlier one.
    figure.setStateValue("selected", { block, head, token, view, share, at: Date.now() });
  }, REPORT_DELAY);
}

// ---- reading weights ----

function weightsOfHead({ payload: { weights, n, n_heads }, selected: { block, head } }) {
  const start = (block * n_heads + head) * n * n;
  return weights.subarray(start, start + n * n);
}

function weightsOfToken(figure, { side, token }) {
  const { n } = figure.payload;
  const weights = weightsOfHead(figure);
  if (side === "query") return weights.subarray(token * n, token * n + n);
  return weights.filter((_, i) => i % n === token);
}

const strongestFirst = (weights) => [...weights.keys()].sort((a, b) => weights[b] - weights[a]);

function keysThatCarry(row, share) {
  const keys = strongestFirst(row).filter((key) => row[key] > 0);
  const enough = share * row.reduce((sum, weight) => sum + weight, 0);
  let carried = 0;
  return keys.slice(0, keys.findIndex((key) => (carried += row[key]) >= enough) + 1);
}

function visibleLinks(figure, at) {
  const links = [];
  for (let query = 0; query < figure.payload.n; query++) {
    if (at?.side === "query" && at.token !== query) continue;
    const row = weightsOfToken(figure, { side: "query", token: query });
    for (const key of keysThatCarry(row, figure.selected.share))
      if (at?.side !== "key" || at.token === key) links.push([query, key, row[key]]);
  }
  return links;
}

function percent(weight) {
  const whole = Math.round(weight / 2.55);
  return whole ? `${whole} %` : "<1 %";
}

const numbered = ({ block, head }) => `Block ${block + 1}, head ${head + 1}`;
const isOff = ({ payload }, { block, head }) => payload.off.some(([b, h]) => b === block && h === head);

function described(figure, place) {
  const kind = figure.payload.kinds[place.block][place.head];
  return `${numbered(place)}: ${kind}${isOff(figure, place) ? ", switched off" : ""}`;
}

// A word that stands in the sentence twice is told apart by its position.
function nameOf({ payload: { tokens } }, token, side) {
  const name = make("b", { class: side }, isolated(tokens[token]));
  if (tokens.indexOf(tokens[token]) !== tokens.lastIndexOf(tokens[token])) name.append(make("sub", {}, `${token + 1}`));
  return name;
}

// ---- tokens ----

function writeTokens(figure) {
  const { tokens, n } = figure.payload;
  figure.hover = figure.focus = figure.cell = null;
  figure.chips.replaceChildren(
    ...tokens.map((token, i) => button({ class: "chip", "data-token": i, "data-side": "query", tabindex: i ? -1 : 0 }, isolated(token))),
  );
  const columns = { query: "looks", key: "is looked at" };
  figure.labels = {};
  const sides = Object.entries(columns).map(([side, heading]) => {
    figure.labels[side] = tokens.map((token, i) => make("span", { class: "label", "data-token": i, "data-side": side }, isolated(token)));
    return make("div", { class: `side ${side}` }, make("b", {}, heading), ...figure.labels[side]);
  });
  figure.lines.setAttribute("viewBox", `0 0 100 ${n}`);
  figure.views.arcs.replaceChildren(sides[0], figure.lines, sides[1]);
  figure.views.arcs.style.setProperty("--row", `${Math.min(28, Math.max(15, Math.floor(440 / n)))}px`);
}

// The token pointed at by mouse or keyboard, or else the selected one.
function pointed({ hover, focus, selected: { token } }) {
  return hover ?? focus ?? (token === null ? null : { side: "query", token });
}

function point(figure, how, at) {
  if (JSON.stringify(figure[how]) === JSON.stringify(at)) return;
  figure[how] = at;
  drawPointed(figure);
}

function drawPointed(figure) {
  const at = pointed(figure);
  const weights = at && weightsOfToken(figure, at);
  [...figure.chips.children].forEach((chip, i) => {
    chip.classList.toggle("at", at?.token === i);
    chip.style.setProperty("--weight", weights ? weights[i] / 255 : 0);
  });
  figure.readout.replaceChildren(...readout(figure, at, weights));
  drawView(figure);
}

function readout(figure, at, weights) {
  if (!at) return [HINT];
  const others = at.key === undefined ? strongestFirst(weights).slice(0, 3) : [at.key];
  const [verb, side] = at.side === "query" ? [" looks at ", "key"] : [" is looked at by ", "query"];
  return [
    nameOf(figure, at.token, at.side),
    verb,
    ...others.flatMap((other, i) => [i ? ", " : "", nameOf(figure, other, side), `: ${percent(weights[other])}`]),
  ];
}

// ---- the head in focus ----

function drawSelection(figure) {
  const { selected, payload } = figure;
  const { token, view, share } = selected;
  figure.title.textContent = described(figure, selected);
  figure.panel.setAttribute("aria-labelledby", `tab-${view}`);
  for (const tab of figure.tabs.children) {
    tab.setAttribute("aria-selected", tab.dataset.view === view);
    tab.tabIndex = tab.dataset.view === view ? 0 : -1;
  }
  if (figure.panel.firstChild !== figure.views[view]) figure.panel.replaceChildren(figure.views[view]);
  figure.threshold.hidden = view !== "arcs";
  figure.gridBar.hidden = view !== "grid";
  figure.slider.value = Math.round(100 * share);
  figure.share.textContent = `${figure.slider.value} %`;
  [...figure.chips.children].forEach((chip, i) => chip.setAttribute("aria-pressed", i === token));
  figure.buttons.forEach((head, i) => {
    const inFocus = i === selected.block * payload.n_heads + selected.head;
    if (inFocus) head.setAttribute("aria-current", true);
    else head.removeAttribute("aria-current");
    head.tabIndex = inFocus ? 0 : -1;
  });
  figure.caption.textContent = described(figure, selected);
  drawPointed(figure);
}

function drawView(figure) {
  const at = pointed(figure);
  ({ arcs: drawArcs, grid: drawGrid, table: drawTable })[figure.selected.view](figure, at);
}

function drawArcs(figure, at) {
  const links = visibleLinks(figure, at);
  const paths = Array(LINE_STEPS).fill("");
  for (const [query, key, weight] of links)
    paths[Math.ceil((weight * LINE_STEPS) / 255) - 1] += `M0 ${query + 0.5}C50 ${query + 0.5} 50 ${key + 0.5} 100 ${key + 0.5}`;
  paths.forEach((path, i) => figure.lines.children[i].setAttribute("d", path));
  figure.lines.setAttribute("stroke", figure.payload.colors.weights);
  for (const side of ["query", "key"]) {
    const linked = new Map(at && at.side !== side ? links.map(([query, key, weight]) => [side === "query" ? query : key, weight]) : []);
    figure.labels[side].forEach((label, i) => {
      label.classList.toggle("at", at?.side === side && at.token === i);
      label.dataset.percent = linked.has(i) ? percent(linked.get(i)) : "";
    });
  }
  figure.views.arcs.classList.toggle("pointing", Boolean(at));
  figure.views.arcs.setAttribute("aria-label", `${numbered(figure.selected)}: ${links.length} lines from tokens to what they look at. The table lists the weights.`);
}

// Keep the lines of a token in sight when it was pointed at elsewhere.
function revealRow({ panel, labels, selected }, token) {
  if (selected.view !== "arcs" || panel.scrollHeight <= panel.clientHeight) return;
  const { offsetTop, offsetHeight } = labels.query[token];
  if (offsetTop < panel.scrollTop || offsetTop + offsetHeight > panel.scrollTop + panel.clientHeight)
    panel.scrollTop = offsetTop - panel.clientHeight / 2;
}

function gridLayout({ panel, payload: { n } }) {
  const wide = panel.clientWidth > 480;
  const [left, top] = wide ? [104, 84] : [76, 76];
  const right = wide ? 56 : 4; // slanted names lean out of the grid
  const cell = Math.max(2, Math.min(30, Math.floor((panel.clientWidth - left - right) / n), Math.floor(440 / n)));
  return { left, top, cell, angle: wide ? -Math.PI / 4 : -Math.PI / 2, width: left + n * cell + right, height: top + n * cell + 4 };
}

function drawGrid(figure, at) {
  const { payload, selected, views, root } = figure;
  const { tokens, n, n_heads, colors } = payload;
  const layout = (figure.layout = gridLayout(figure));
  const { left, top, cell, width, height, angle } = layout;
  const canvas = views.grid;
  const ratio = devicePixelRatio;
  canvas.style.width = `${width}px`;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.setAttribute("aria-label", `${described(figure, selected)}. Rows look, columns are looked at. Arrow keys move the cell, Enter keeps its row.`);
  const style = getComputedStyle(root);
  const ink = style.getPropertyValue("--st-text-color");
  const paper = style.getPropertyValue("--st-background-color");
  const size = Math.min(15, Math.max(11, Math.round(0.7 * cell)));
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(figure.buttons[selected.block * n_heads + selected.head].firstChild, left, top, n * cell, n * cell);
  pen.strokeStyle = style.getPropertyValue("--st-border-color");
  pen.strokeRect(left - 0.5, top - 0.5, n * cell + 1, n * cell + 1);

  const rowShown = at?.side === "query" ? at.token : undefined;
  const columnShown = at?.side === "key" ? at.token : at?.key;
  const every = Math.ceil((size + 2) / cell);
  pen.textBaseline = "middle";
  for (const [shown, color, place] of [
    [rowShown, colors.q, (i) => pen.translate(left - 6, top + (i + 0.5) * cell)],
    [columnShown, colors.k, (i) => (pen.translate(left + (i + 0.5) * cell, top - 6), pen.rotate(angle))],
  ]) {
    const rows = color === colors.q;
    tokens.forEach((token, i) => {
      const near = shown !== undefined && i !== shown && Math.abs(i - shown) * cell < size + 2;
      if (near || (i % every && i !== shown)) return;
      pen.save();
      place(i);
      pen.font = `${i === shown ? 700 : 400} ${size}px ${style.fontFamily}`;
      pen.fillStyle = i === shown ? color : ink;
      pen.textAlign = rows ? "right" : "left";
      pen.fillText(short(token), 0, 0, rows ? left - 10 : top - 4);
      pen.restore();
    });
  }
  outline(pen, rowShown, colors.q, paper, (row) => [left, top + row * cell, n * cell, cell]);
  outline(pen, columnShown, colors.k, paper, (column) => [left + column * cell, top, cell, n * cell]);
  if (at?.key !== undefined) outline(pen, at.token, ink, paper, (row) => [left + at.key * cell, top + row * cell, cell, cell]);
}

function outline(pen, index, color, halo, box) {
  if (index === undefined) return;
  for (const [style, width] of [[halo, 4], [color, 2]]) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.strokeRect(...box(index));
  }
}

function short(token) {
  const letters = [...token];
  return `\u2068${letters.length > 14 ? `${letters.slice(0, 13).join("")}…` : token}\u2069`;
}

function cellAt({ layout: { left, top, cell }, payload: { n } }, event) {
  const [token, key] = [event.offsetY - top, event.offsetX - left].map((pixels) => Math.floor(pixels / cell));
  return [token, key].every((i) => i >= 0 && i < n) ? { side: "query", token, key } : null;
}

function drawTable(figure, at) {
  const { payload: { tokens, n }, views } = figure;
  const cells = (...texts) => texts.map((text) => make("td", {}, text));
  const weightCell = (weight) => make("td", { class: "weight", style: `--weight: ${weight / 255}` }, percent(weight));
  const rowHead = (token, side) => make("th", { scope: "row" }, nameOf(figure, token, side));
  let caption, columns, rows;
  if (at) {
    const weights = weightsOfToken(figure, at);
    const queries = at.side === "query";
    caption = ["How much ", nameOf(figure, at.token, at.side), queries ? " looks at each token" : " is looked at by each token"];
    columns = ["Token", "Position", "Weight"];
    rows = strongestFirst(weights).map((other) => [rowHead(other, queries ? "key" : "query"), ...cells(`${other + 1}`), weightCell(weights[other])]);
  } else {
    caption = ["What each token looks at most"];
    columns = ["Token", "looks most at", "Weight"];
    rows = Array.from({ length: n }, (_, query) => {
      const row = weightsOfToken(figure, { side: "query", token: query });
      const [key] = strongestFirst(row);
      return [rowHead(query, "query"), ...cells(nameOf(figure, key, "key")), weightCell(row[key])];
    });
  }
  views.table.replaceChildren(
    make("caption", {}, ...caption),
    make("thead", {}, make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row))),
  );
}

// ---- all heads ----

function makeHeads(figure) {
  const { n_blocks, n_heads } = figure.payload;
  figure.buttons = Array.from({ length: n_blocks * n_heads }, (_, i) => {
    const [block, head] = [Math.floor(i / n_heads), i % n_heads];
    return button({ class: "head", "data-block": block, "data-head": head, "data-name": `${block + 1}·${head + 1}` }, make("canvas"));
  });
}

function nameHeads(figure) {
  for (const head of figure.buttons) {
    const place = placeOf(head);
    head.setAttribute("aria-label", described(figure, place));
    head.classList.toggle("off", isOff(figure, place));
  }
}

const placeOf = ({ dataset }) => ({ block: Number(dataset.block), head: Number(dataset.head) });

function arrangeHeads(figure) {
  const { n_blocks, n_heads, kinds } = figure.payload;
  const label = (text, column) => make("span", { class: "number", "aria-hidden": true, style: `grid-column: ${column}` }, text);
  figure.heads.className = `heads by-${figure.grouping}`;
  figure.heads.style.setProperty("--heads", n_heads);
  for (const choice of figure.root.querySelectorAll("[data-grouping]"))
    choice.setAttribute("aria-pressed", choice.dataset.grouping === figure.grouping);
  if (figure.grouping === "block") {
    const numbers = Array.from({ length: n_heads }, (_, head) => label(head ? `${head + 1}` : "head 1", head + 2));
    const rows = Array.from({ length: n_blocks }, (_, block) => [label(`block ${block + 1}`, 1), ...figure.buttons.slice(block * n_heads, (block + 1) * n_heads)]);
    figure.heads.replaceChildren(...numbers, ...rows.flat());
  } else {
    const groups = Map.groupBy(figure.buttons, (_, i) => kinds.flat()[i]);
    const bySize = [...groups].sort(([, a], [, b]) => b.length - a.length);
    figure.heads.replaceChildren(
      ...bySize.map(([kind, heads]) => make("div", { class: "kind" }, make("p", {}, make("b", {}, kind), ` ${heads.length}`), ...heads)),
    );
  }
}

// One shade for each of the 256 possible weights, as the bytes of a pixel.
function mixShades(figure) {
  const paper = getComputedStyle(figure.root).getPropertyValue("--st-background-color");
  const recipe = paper + figure.payload.colors.weights;
  if (recipe === figure.recipe) return false;
  figure.recipe = recipe;
  const pen = make("canvas", { width: 256, height: 1 }).getContext("2d");
  const ramp = pen.createLinearGradient(0.5, 0, 255.5, 0);
  ramp.addColorStop(0, paper);
  ramp.addColorStop(1, figure.payload.colors.weights);
  pen.fillStyle = ramp;
  pen.fillRect(0, 0, 256, 1);
  const mixed = new Uint32Array(pen.getImageData(0, 0, 256, 1).data.buffer);
  figure.shades = Uint32Array.from({ length: 256 }, (_, weight) => mixed[Math.round(255 * (weight / 255) ** SHADE)]);
  const bar = new ImageData(new Uint8ClampedArray(figure.shades.buffer), 256, 1);
  for (const scale of figure.bars) scale.getContext("2d").putImageData(bar, 0, 0);
  return true;
}

function drawHeads({ buttons, heads, shades, payload: { weights, n } }) {
  const image = new ImageData(n, n);
  const pixels = new Uint32Array(image.data.buffer);
  buttons.forEach(({ firstChild: canvas }, i) => {
    const start = i * n * n;
    for (let j = 0; j < pixels.length; j++) pixels[j] = shades[weights[start + j]];
    canvas.width = canvas.height = n;
    canvas.getContext("2d").putImageData(image, 0, 0);
  });
  heads.classList.toggle("dense", n > 48); // more pixels than the screen shows: blend, do not skip
}

// ---- pointer and keyboard ----

function listen(figure) {
  const { root, chips, tabs, heads, slider, panel, views: { grid } } = figure;
  const tokenOf = (target) => {
    const { token, side } = target.closest("[data-token]")?.dataset ?? {};
    return token === undefined ? null : { side, token: Number(token) };
  };
  const keepToken = (token) => choose(figure, { token: token === figure.selected.token ? null : token });

  root.addEventListener("pointerover", ({ target }) => {
    if (target === grid) return;
    const at = tokenOf(target);
    point(figure, "hover", at);
    if (at && chips.contains(target)) revealRow(figure, at.token);
    const head = target.closest(".head");
    figure.caption.textContent = described(figure, head ? placeOf(head) : figure.selected);
  });
  root.addEventListener("pointerleave", () => point(figure, "hover", null));
  root.addEventListener("focusin", ({ target }) => {
    if (!target.matches(":focus-visible")) return;
    if (target === grid) point(figure, "focus", (figure.cell ??= { side: "query", token: figure.selected.token ?? 0, key: 0 }));
    else point(figure, "focus", tokenOf(target));
    if (figure.focus && chips.contains(target)) revealRow(figure, figure.focus.token);
    if (heads.contains(target)) figure.caption.textContent = described(figure, placeOf(target));
  });
  root.addEventListener("focusout", () => point(figure, "focus", null));
  root.addEventListener("click", ({ target }) => {
    const { view, grouping } = target.dataset;
    const head = target.closest(".head");
    const at = tokenOf(target);
    if (at?.side === "query") keepToken(at.token);
    if (view) choose(figure, { view });
    if (head) choose(figure, placeOf(head));
    if (grouping) {
      figure.grouping = grouping;
      arrangeHeads(figure);
    }
  });
  slider.addEventListener("input", () => choose(figure, { share: slider.value / 100 }));

  grid.addEventListener("pointermove", (event) => point(figure, "hover", cellAt(figure, event)));
  grid.addEventListener("click", (event) => {
    const at = cellAt(figure, event);
    if (at) keepToken(at.token);
  });
  grid.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const { token, key } = figure.cell;
    if (event.key === "Enter" || event.key === " ") keepToken(token);
    else if (!down && !right) return;
    event.preventDefault();
    const inside = (i) => Math.min(Math.max(i, 0), figure.payload.n - 1);
    figure.cell = { side: "query", token: inside(token + down), key: inside(key + right) };
    figure.hover = null;
    point(figure, "focus", figure.cell);
  });
  for (const group of [chips, tabs, heads])
    group.addEventListener("keydown", (event) => {
      const next = neighbour([...group.querySelectorAll("button")], event.target, event.key);
      if (!next) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      if (group === tabs) choose(figure, { view: next.dataset.view });
    });
}

// Left and right follow the reading order; up and down go to what stands nearest on screen.
function neighbour(buttons, from, key) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step) return buttons[buttons.indexOf(from) + step];
  if (key === "Home" || key === "End") return buttons.at(key === "Home" ? 0 : -1);
  const direction = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (!direction) return undefined;
  const here = from.getBoundingClientRect();
  const distance = (box) => 4 * Math.abs(box.top - here.top) + Math.abs(box.left - here.left);
  return buttons
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => direction * (box.top - here.top) > here.height / 2)
    .sort((a, b) => distance(a.box) - distance(b.box))[0]?.element;
}

// ---- download ----

// The picture for the SVG and PNG buttons under the figure; the table is offered as CSV there.
function exportSvg(figure) {
  const { payload: { tokens, n, colors }, selected, views, root, labels } = figure;
  const style = getComputedStyle(root);
  const text = (x, y, words, attributes) => make("text", { x, y, "font-size": 14, fill: style.color, ...attributes }, words);
  const frame = (width, height, ...children) =>
    make(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": style.fontFamily },
      make("rect", { width, height, fill: style.getPropertyValue("--st-background-color") }),
      text(12, 24, described(figure, selected), { "font-weight": 600 }),
      ...children,
    );
  if (selected.view === "grid") {
    const { width, height } = figure.layout;
    return frame(width + 24, height + 48, make("image", { x: 12, y: 36, width, height, href: views.grid.toDataURL() }));
  }
  drawArcs(figure, pointed(figure));
  const row = 22;
  const lines = figure.lines.cloneNode(true);
  for (const [name, value] of Object.entries({ x: 230, y: 64, width: 260, height: n * row })) lines.setAttribute(name, value);
  const names = tokens.flatMap((token, i) =>
    [["query", 222, "end"], ["key", 498, "start"]].map(([side, x, anchor]) => {
      const label = labels[side][i];
      return text(x, 69 + (i + 0.5) * row, [short(token), label.dataset.percent].join(" "), { "text-anchor": anchor });
    }),
  );
  return frame(720, n * row + 80, text(222, 54, "looks", { "text-anchor": "end", fill: colors.q }), text(498, 54, "is looked at", { fill: colors.k }), lines, ...names);
}
