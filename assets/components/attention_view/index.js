// The attention weights of every block and head, on the learner's own tokens.
// pages/ui/components/attention_view.py packs the payload and checks what is reported back.

const LINE_STEPS = 16; // lines of about the same weight share one path: few nodes, however many lines
const SHADE = 0.5; // weight ** SHADE is the share of colour: small weights stay visible
const REPORT_DELAY = 150; // ms
const TOKENS_HINT = "Point at a token to see where it looks; click to keep it.";
const HEADS_HINT = "One pixel per weight. Click a head to enlarge it.";
const TYPE = 13; // px, the labels of the grid on an ordinary page: the grid is enlarged with them
const FORBIDDEN = -1; // instead of a weight, where the mask lets nobody look
const figures = new WeakMap(); // parentElement -> figure

const FRAME = `
  <div class="attention">
    <div class="chips" role="toolbar" aria-label="Tokens"></div>
    <div class="columns">
      <section aria-label="Head in focus">
        <div class="bar">
          <p class="title"></p>
          <div class="tabs views" role="tablist" aria-label="How this head is drawn">
            <button type="button" role="tab" id="arcs" aria-controls="panel" data-view="arcs">arcs</button>
            <button type="button" role="tab" id="grid" aria-controls="panel" data-view="grid">grid</button>
            <button type="button" role="tab" id="table" aria-controls="panel" data-view="table">table</button>
          </div>
        </div>
        <p class="readout" role="status"></p>
        <div class="panel" role="tabpanel" id="panel" tabindex="0">
          <div class="arcs" role="img">
            <div class="side query"></div>
            <svg class="lines" preserveAspectRatio="none"></svg>
            <div class="side key"></div>
          </div>
          <canvas class="grid" role="application" aria-roledescription="heat map" tabindex="0"></canvas>
          <table></table>
        </div>
        <div class="bar foot">
          <label class="for-arcs">Show the strongest links that carry <output></output> of the attention
            <input type="range" min="10" max="100" step="5"></label>
          <span class="color-bar for-grid">weight 0 <canvas width="256" height="1"></canvas> 1</span>
          <span class="for-grid for-causal">may not look</span>
          <small>drawn in 255 steps</small>
        </div>
      </section>
      <section aria-label="All heads">
        <div class="bar">
          <p class="title">All heads</p>
          <div class="tabs orders" role="group" aria-label="Order of the heads">
            <button type="button" data-order="block">by block</button>
            <button type="button" data-order="kind">by what they do</button>
          </div>
        </div>
        <p class="caption"></p>
        <div class="heads" role="toolbar" aria-label="All heads"></div>
        <div class="bar foot">
          <span class="color-bar">weight 0 <canvas width="256" height="1"></canvas> 1</span>
          <span class="for-causal">may not look</span>
          <small>in each picture: row looks, column is looked at</small>
        </div>
      </section>
    </div>
  </div>`;

export default function ({ data, parentElement, setStateValue }) {
  const figure = figures.get(parentElement) ?? mount(parentElement);
  figure.setStateValue = setStateValue;
  update(figure, decode(data));
  // Streamlit may clean up after an earlier call when a later one has already drawn.
  return () => figure.setStateValue === setStateValue && unmount(figure, parentElement);
}

function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const [n, weights] = [header.tokens.length, bytes.subarray(4 + size)];
  return { ...header, n, weights: header.causal ? masked(weights, n) : weights };
}

function masked(weights, n) {
  return Int16Array.from(weights, (weight, i) => (i % n > Math.floor(i / n) % n ? FORBIDDEN : weight));
}

function mount(parentElement) {
  const root = document.createRange().createContextualFragment(FRAME).firstElementChild;
  const part = (selector) => root.querySelector(selector);
  const figure = { root, hover: null, focus: null, order: "block", reports: [] };
  for (const name of ["chips", "views", "readout", "panel", "arcs", "lines", "grid", "orders", "caption", "heads"])
    figure[name] = part(`.${name}`);
  Object.assign(figure, { title: part(".title"), table: part("table"), slider: part("input"), share: part("output") });
  for (let step = 1; step <= LINE_STEPS; step++)
    figure.lines.append(make("path", { style: `--step: ${step / LINE_STEPS}` }));
  figure.resized = new ResizeObserver(() => figure.selected.view === "grid" && drawGrid(figure, pointed(figure)));
  figure.resized.observe(figure.panel);
  captionFor(figure, root);
  listen(figure);
  parentElement.append(root);
  parentElement.host.exportSvg = () => exportSvg(figure); // the SVG and PNG buttons under a figure ask for it
  figures.set(parentElement, figure);
  return figure;
}

function unmount(figure, parentElement) {
  clearTimeout(figure.timer);
  figure.resized.disconnect();
  figure.root.remove();
  figures.delete(parentElement);
}

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect", "text", "image"].includes(tag);
  const node = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- what comes from Python, and what goes back ----

function update(figure, payload) {
  const before = figure.payload;
  const changed = (...names) => names.some((name) => JSON.stringify(before?.[name]) !== JSON.stringify(payload[name]));
  figure.payload = payload;
  for (const [name, color] of Object.entries(payload.colors)) figure.root.style.setProperty(`--${name}`, color);
  const recolored = mixShades(figure); // first: it reads styles, which costs least before there is much to style
  adoptSelection(figure, payload.selected);
  if (changed("tokens")) writeTokens(figure);
  if (changed("n_blocks", "n_heads")) makeHeads(figure);
  if (changed("n_blocks", "n_heads", "kinds", "off")) nameHeads(figure);
  if (changed("n_blocks", "n_heads", "kinds")) arrangeHeads(figure);
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

function choose(figure, choice) {
  figure.selected = { ...figure.selected, ...choice };
  drawSelection(figure);
  clearTimeout(figure.timer);
  figure.timer = setTimeout(() => {
    figure.reports.push(JSON.stringify(figure.selected));
    // Streamlit calls back for new values only, and a choice can return to an earlier one.
    figure.setStateValue("selected", { ...figure.selected, at: Date.now() });
  }, REPORT_DELAY);
}

function sameWeights(before, { weights }) {
  if (before?.weights.length !== weights.length) return false;
  for (let i = 0; i < weights.length; i++) if (weights[i] !== before.weights[i]) return false;
  return true;
}

// ---- reading the weights ----

const rowOf = (figure, query) => weightsOfToken(figure, { side: "query", token: query });

function weightsOfToken({ payload: { weights, n, n_heads }, selected: { block, head } }, { side, token }) {
  const start = (block * n_heads + head) * n * n;
  if (side === "query") return weights.subarray(start + token * n, start + (token + 1) * n);
  return weights.subarray(start, start + n * n).filter((_, i) => i % n === token);
}

function strongestFirst(weights) {
  return [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
}

function keysThatCarry(row, share) {
  const keys = strongestFirst(row).filter((key) => row[key] > 0);
  const enough = share * keys.reduce((sum, key) => sum + row[key], 0);
  let carried = 0;
  return keys.slice(0, keys.findIndex((key) => (carried += row[key]) >= enough) + 1);
}

function visibleLinks(figure, at) {
  const queries = at?.side === "query" ? [at.token] : Array(figure.payload.n).keys();
  const links = [];
  for (const query of queries) {
    const row = rowOf(figure, query);
    for (const key of keysThatCarry(row, figure.selected.share))
      if (at?.side !== "key" || at.token === key) links.push([query, key, row[key]]);
  }
  return links;
}

function percent(weight) {
  if (weight === FORBIDDEN) return "may not look";
  const whole = Math.round(weight / 2.55);
  return whole ? `${whole} %` : "<1 %";
}

function described({ payload: { kinds, off } }, { block, head }) {
  const isOff = off.some(([b, h]) => b === block && h === head);
  return `Block ${block + 1}, head ${head + 1}: ${kinds[block][head]}${isOff ? ", switched off" : ""}`;
}

// A word that stands in the sentence twice is told apart by its position.
function nameOf({ payload: { tokens } }, token, side) {
  const name = make("b", { class: side }, make("bdi", {}, tokens[token]));
  if (tokens.indexOf(tokens[token]) !== tokens.lastIndexOf(tokens[token])) name.append(make("sub", {}, token + 1));
  return name;
}

// ---- tokens ----

function writeTokens(figure) {
  const { tokens, n } = figure.payload;
  figure.hover = figure.focus = figure.cell = null;
  const written = (tag, attributes) => (token, i) => make(tag, { ...attributes, "data-token": i }, make("bdi", {}, token));
  figure.tokens = tokens.map(written("button", { type: "button", class: "chip", "data-side": "query", tabindex: -1 }));
  figure.tokens[0].tabIndex = 0;
  figure.chips.replaceChildren(...figure.tokens);
  figure.labels = {};
  for (const [side, heading] of [["query", "looks"], ["key", "is looked at"]]) {
    figure.labels[side] = tokens.map(written("span", { class: "label", "data-side": side }));
    figure.arcs.querySelector(`.${side}`).replaceChildren(make("b", {}, heading), ...figure.labels[side]);
  }
  figure.lines.setAttribute("viewBox", `0 0 100 ${n}`);
  figure.arcs.style.setProperty("--share", `${Math.floor(530 / n)}px`);
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
  figure.tokens.forEach((chip, i) => {
    chip.classList.toggle("at", at?.token === i);
    const weight = at ? weights[i] : 0;
    chip.classList.toggle("forbidden", weight === FORBIDDEN);
    if (chip.dataset.weight !== `${weight}`) chip.style.setProperty("--weight", Math.max(0, weight) / 255);
    chip.dataset.weight = weight;
  });
  figure.readout.replaceChildren(...readout(figure, at, weights));
  ({ arcs: drawArcs, grid: drawGrid, table: drawTable })[figure.selected.view](figure, at);
}

function readout(figure, at, weights) {
  if (!at) return [TOKENS_HINT];
  const allowed = (token) => weights[token] !== FORBIDDEN;
  const others = at.key === undefined ? strongestFirst(weights).filter(allowed).slice(0, 3) : [at.key];
  if (!others.every(allowed)) return [nameOf(figure, at.token, "query"), " may not look at ", nameOf(figure, at.key, "key")];
  const [verb, side] = at.side === "query" ? [" looks at ", "key"] : [" is looked at by ", "query"];
  const list = others.flatMap((other, i) => [i ? ", " : "", nameOf(figure, other, side), `: ${percent(weights[other])}`]);
  return [nameOf(figure, at.token, at.side), verb, ...list];
}

// ---- the head in focus ----

function drawSelection(figure) {
  const { selected, payload } = figure;
  figure.title.textContent = described(figure, selected);
  for (const tab of figure.views.children) {
    const chosen = tab.dataset.view === selected.view;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
  }
  figure.panel.setAttribute("aria-labelledby", selected.view);
  figure.root.dataset.view = selected.view;
  figure.root.dataset.causal = payload.causal;
  figure.slider.value = Math.round(100 * selected.share);
  figure.share.textContent = `${figure.slider.value} %`;
  figure.tokens.forEach((chip, i) => chip.setAttribute("aria-pressed", i === selected.token));
  figure.thumbnails.forEach((thumbnail, i) => {
    const chosen = i === selected.block * payload.n_heads + selected.head;
    thumbnail.setAttribute("aria-current", chosen);
    thumbnail.tabIndex = chosen ? 0 : -1;
  });
  drawPointed(figure);
}

function drawArcs(figure, at) {
  const links = visibleLinks(figure, at);
  const paths = Array(LINE_STEPS).fill("");
  for (const [query, key, weight] of links) {
    const [from, to] = [query + 0.5, key + 0.5];
    paths[Math.ceil((weight * LINE_STEPS) / 255) - 1] += `M0 ${from}C50 ${from} 50 ${to} 100 ${to}`;
  }
  paths.forEach((path, i) => figure.lines.children[i].setAttribute("d", path));
  const otherEnd = new Map(at && links.map(([query, key, weight]) => [at.side === "query" ? key : query, weight]));
  for (const side of ["query", "key"])
    figure.labels[side].forEach((label, i) => {
      const here = at?.side === side;
      label.classList.toggle("at", here && at.token === i);
      const share = !here && otherEnd.has(i) ? percent(otherEnd.get(i)) : "";
      if (label.dataset.percent !== share) label.dataset.percent = share;
    });
  figure.arcs.classList.toggle("pointing", at !== null);
  figure.arcs.setAttribute("aria-label", `${links.length} lines from tokens to what they look at; the table has the weights`);
}

// Keep the lines of a token in sight when it was pointed at elsewhere.
function revealRow({ panel, labels, selected }, token) {
  if (selected.view !== "arcs" || panel.scrollHeight <= panel.clientHeight) return;
  const { offsetTop, offsetHeight } = labels.query[token];
  const seen = offsetTop >= panel.scrollTop && offsetTop + offsetHeight <= panel.scrollTop + panel.clientHeight;
  if (!seen) panel.scrollTop = offsetTop - panel.clientHeight / 2;
}

function drawGrid(figure, at) {
  const { grid, payload, selected } = figure;
  const { n, n_heads, colors } = payload;
  const { font, ink, paper, line } = pageStyle(figure);
  const pen = grid.getContext("2d");
  pen.font = `${TYPE}px ${font}`;
  const zoom = parseFloat(getComputedStyle(grid).fontSize) / TYPE;
  const { left, top, cell, width, height, slant } = (figure.layout = gridLayout(figure, pen, zoom));
  const scale = zoom * devicePixelRatio;
  grid.style.width = `${width * zoom}px`;
  grid.width = width * scale;
  grid.height = height * scale;
  grid.setAttribute("aria-label", `${described(figure, selected)}. Arrow keys move the cell, Enter keeps its row`);
  pen.scale(scale, scale);
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = line;
  pen.fillRect(left - 1, top - 1, n * cell + 2, n * cell + 2);
  pen.drawImage(figure.thumbnails[selected.block * n_heads + selected.head].firstChild, left, top, n * cell, n * cell);
  const row = at?.side === "query" ? at.token : undefined;
  const column = at?.side === "key" ? at.token : at?.key;
  if (row !== undefined) outline(pen, paper, colors.q, [left, top + row * cell, n * cell, cell]);
  if (column !== undefined) outline(pen, paper, colors.k, [left + column * cell, top, cell, n * cell]);
  if (at?.key !== undefined) outline(pen, paper, ink, [left + column * cell, top + row * cell, cell, cell]);

  const size = Math.min(15, Math.max(zoom > 1 ? TYPE : 11, Math.round(0.7 * cell)));
  const style = { size, font, ink, every: Math.ceil((size + 2) / cell), room: left - 30 };
  drawNames(pen, payload.tokens, row, { ...style, color: colors.q, align: "right" }, (i) =>
    pen.translate(left - 6, top + (i + 0.5) * cell),
  );
  drawNames(pen, payload.tokens, column, { ...style, color: colors.k, align: "left" }, (i) => {
    pen.translate(left + (i + 0.5) * cell, top - 6);
    pen.rotate(slant);
  });
  pen.textAlign = "center";
  pen.font = `600 14px ${font}`;
  pen.fillStyle = colors.k;
  pen.fillText("is looked at", left + (n * cell) / 2, 10);
  pen.rotate(-Math.PI / 2);
  pen.fillStyle = colors.q;
  pen.fillText("looks", -top - (n * cell) / 2, 10);
}

function gridLayout({ panel, payload: { tokens, n } }, pen, zoom) {
  const room = panel.clientWidth / zoom;
  const slanted = room > 480;
  const longest = Math.min(slanted ? 110 : 70, Math.max(40, ...tokens.map((token) => pen.measureText(short(token)).width)));
  const [left, top] = [longest + 30, (slanted ? 0.75 : 1) * longest + 34];
  const right = slanted ? 0.75 * longest : 4; // slanted names lean out of the grid
  const cell = Math.max(2, Math.floor(Math.min(30, (room - left - right) / n, (540 / zoom - top) / n)));
  const [width, height] = [left + n * cell + right, top + n * cell + 4];
  return { zoom, left, top, cell, width, height, slant: slanted ? -Math.PI / 4 : -Math.PI / 2 };
}

// Where cells are smaller than letters only every so many names fit, but always the shown one.
function drawNames(pen, tokens, shown, { size, font, ink, color, align, every, room }, place) {
  pen.textBaseline = "middle";
  pen.textAlign = align;
  tokens.forEach((token, i) => {
    const hidden = i % every || (shown !== undefined && Math.abs(i - shown) < every);
    if (hidden && i !== shown) return;
    pen.save();
    place(i);
    pen.font = `${i === shown ? 700 : 400} ${size}px ${font}`;
    pen.fillStyle = i === shown ? color : ink;
    pen.fillText(short(token), 0, 0, room);
    pen.restore();
  });
}

function outline(pen, halo, color, box) {
  for (const [style, width] of [[halo, 4], [color, 2]]) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.strokeRect(...box);
  }
}

function short(token) {
  const letters = [...token];
  return `\u2068${letters.length > 14 ? `${letters.slice(0, 13).join("")}…` : token}\u2069`; // isolated, like <bdi>
}

function pageStyle({ root }) {
  const style = getComputedStyle(root);
  const [ink, paper, line] = ["text", "background", "border"].map((name) => style.getPropertyValue(`--st-${name}-color`));
  return { font: style.fontFamily, ink, paper, line };
}

function cellAt({ layout: { zoom, left, top, cell }, payload: { n } }, { offsetX, offsetY }) {
  const [token, key] = [Math.floor((offsetY / zoom - top) / cell), Math.floor((offsetX / zoom - left) / cell)];
  return [token, key].every((i) => i >= 0 && i < n) ? { side: "query", token, key } : null;
}

function drawTable(figure, at) {
  const weightCell = (weight) => make("td", { class: "weight", style: `--weight: ${Math.max(0, weight) / 255}` }, percent(weight));
  const fill = (caption, columns, rows) =>
    figure.table.replaceChildren(
      make("caption", {}, ...caption),
      make("thead", {}, make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)))),
      make("tbody", {}, ...rows.map(([name, cell, weight]) =>
        make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, cell), weightCell(weight)))),
    );
  if (at) {
    const weights = weightsOfToken(figure, at);
    const [verb, side] = at.side === "query" ? [" looks at each token", "key"] : [" is looked at by each token", "query"];
    const rows = strongestFirst(weights).map((other) => [nameOf(figure, other, side), other + 1, weights[other]]);
    fill(["How much ", nameOf(figure, at.token, at.side), verb], ["Token", "Position", "Weight"], rows);
  } else {
    const rows = figure.payload.tokens.map((_, query) => {
      const row = rowOf(figure, query);
      const [key] = strongestFirst(row);
      return [nameOf(figure, query, "query"), nameOf(figure, key, "key"), row[key]];
    });
    fill(["What each token looks at most"], ["Token", "looks most at", "Weight"], rows);
  }
}

// ---- all heads ----

function makeHeads(figure) {
  const { n_blocks, n_heads } = figure.payload;
  figure.thumbnails = Array.from({ length: n_blocks * n_heads }, (_, i) => {
    const [block, head] = [Math.floor(i / n_heads), i % n_heads];
    const attributes = { type: "button", class: "head", "data-block": block, "data-head": head };
    return make("button", { ...attributes, "data-name": `${block + 1}·${head + 1}` }, make("canvas"));
  });
}

function nameHeads(figure) {
  const off = new Set(figure.payload.off.map(String));
  for (const thumbnail of figure.thumbnails) {
    const place = placeOf(thumbnail);
    thumbnail.setAttribute("aria-label", described(figure, place));
    thumbnail.classList.toggle("off", off.has(`${place.block},${place.head}`));
  }
}

const placeOf = ({ dataset }) => ({ block: Number(dataset.block), head: Number(dataset.head) });

function arrangeHeads(figure) {
  const { heads, order, thumbnails, payload: { n_heads, kinds } } = figure;
  heads.className = `heads by-${order}`;
  heads.style.setProperty("--heads", n_heads);
  for (const choice of figure.orders.children) choice.setAttribute("aria-pressed", choice.dataset.order === order);
  const number = (word, i) => make("span", { class: "number", "aria-hidden": true }, make("span", {}, word), i);
  if (order === "block") {
    const columns = Array.from({ length: n_heads }, (_, head) => number("", head + 1));
    const rows = kinds.map((_, block) => [
      number("block ", block + 1),
      ...thumbnails.slice(block * n_heads, (block + 1) * n_heads),
    ]);
    heads.replaceChildren(number("head", ""), ...columns, ...rows.flat());
  } else {
    const kindOf = kinds.flat();
    const groups = [...new Set(kindOf)].map((kind) => [kind, thumbnails.filter((_, i) => kindOf[i] === kind)]);
    groups.sort(([, a], [, b]) => b.length - a.length);
    heads.replaceChildren(
      ...groups.map(([kind, members]) =>
        make("div", { class: "kind" }, make("p", {}, make("b", {}, kind), ` (${members.length})`), ...members)),
    );
  }
}

// One pixel for each of the 256 possible weights.
function mixShades(figure) {
  const { paper, line } = pageStyle(figure);
  const color = figure.payload.colors.weights;
  if (figure.recipe === paper + color) return false;
  figure.recipe = paper + color;
  const pen = make("canvas", { width: 256, height: 1 }).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = line;
  pen.fillRect(0, 0, 1, 1);
  [figure.forbidden] = new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer);
  pen.fillStyle = pen.createLinearGradient(0.5, 0, 255.5, 0);
  pen.fillStyle.addColorStop(0, paper);
  pen.fillStyle.addColorStop(1, color);
  pen.fillRect(0, 0, 256, 1);
  const mixed = new Uint32Array(pen.getImageData(0, 0, 256, 1).data.buffer);
  figure.shades = mixed.map((_, weight) => mixed[Math.round(255 * (weight / 255) ** SHADE)]);
  const bar = new ImageData(new Uint8ClampedArray(figure.shades.buffer), 256, 1);
  for (const scale of figure.root.querySelectorAll(".color-bar canvas")) scale.getContext("2d").putImageData(bar, 0, 0);
  return true;
}

function drawHeads({ thumbnails, heads, shades, forbidden, payload: { weights, n } }) {
  const image = new ImageData(n, n);
  const pixels = new Uint32Array(image.data.buffer);
  thumbnails.forEach(({ firstChild: canvas }, i) => {
    const start = i * n * n;
    for (let j = 0; j < pixels.length; j++) pixels[j] = shades[weights[start + j]] ?? forbidden;
    canvas.width = canvas.height = n;
    canvas.getContext("2d").putImageData(image, 0, 0);
  });
  heads.parentNode.classList.toggle("dense", n > 48); // more weights than pixels on screen: blend, do not skip
}

// ---- pointer and keyboard ----

function listen(figure) {
  const { root, chips, views, heads, grid, slider } = figure;
  root.addEventListener("pointerover", ({ target }) => {
    if (target === grid) return;
    point(figure, "hover", tokenAt(target));
    if (figure.hover && chips.contains(target)) revealRow(figure, figure.hover.token);
    captionFor(figure, target);
  });
  root.addEventListener("pointerleave", () => point(figure, "hover", null));
  root.addEventListener("focusin", ({ target }) => {
    if (!target.matches(":focus-visible")) return;
    point(figure, "focus", target === grid ? cellInFocus(figure) : tokenAt(target));
    if (chips.contains(target)) revealRow(figure, figure.focus.token);
    captionFor(figure, target);
  });
  root.addEventListener("focusout", () => point(figure, "focus", null));
  root.addEventListener("click", ({ target }) => {
    const at = tokenAt(target);
    const thumbnail = target.closest(".head");
    if (at?.side === "query") keepToken(figure, at.token);
    if (thumbnail) choose(figure, placeOf(thumbnail));
    if (target.dataset.view && target !== root) choose(figure, { view: target.dataset.view });
    if (target.dataset.order) {
      figure.order = target.dataset.order;
      arrangeHeads(figure);
    }
  });
  slider.addEventListener("input", () => choose(figure, { share: slider.value / 100 }));
  grid.addEventListener("pointermove", (event) => point(figure, "hover", cellAt(figure, event)));
  grid.addEventListener("click", (event) => {
    const at = cellAt(figure, event);
    if (!at) return;
    figure.cell = at;
    keepToken(figure, at.token);
  });
  grid.addEventListener("keydown", (event) => moveCell(figure, event));
  for (const group of [chips, views, heads])
    group.addEventListener("keydown", (event) => {
      const next = neighbour([...group.querySelectorAll("button")], event);
      if (!next) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      if (group === views) choose(figure, { view: next.dataset.view });
    });
}

function tokenAt(target) {
  const { token, side } = target.closest("[data-token]")?.dataset ?? {};
  return token === undefined ? null : { side, token: Number(token) };
}

function keepToken(figure, token) {
  choose(figure, { token: token === figure.selected.token ? null : token });
}

function captionFor(figure, target) {
  const thumbnail = target.closest(".head");
  figure.caption.textContent = thumbnail ? described(figure, placeOf(thumbnail)) : HEADS_HINT;
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }; // [down, right]

function cellInFocus(figure) {
  return (figure.cell ??= { side: "query", token: figure.selected.token ?? 0, key: 0 });
}

function moveCell(figure, event) {
  const { n } = figure.payload;
  const { token, key } = cellInFocus(figure);
  if (event.key in ARROWS) {
    const [down, right] = ARROWS[event.key];
    const inside = (i) => Math.min(Math.max(i, 0), n - 1);
    figure.cell = { side: "query", token: inside(token + down), key: inside(key + right) };
    figure.hover = null;
    point(figure, "focus", figure.cell);
  } else if (event.key === "Enter" || event.key === " ") keepToken(figure, token);
  else return;
  event.preventDefault();
}

// Left and right follow the reading order; up and down go to what stands nearest on screen.
function neighbour(buttons, { target, key }) {
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  if (!(key in ARROWS)) return undefined;
  const [down, right] = ARROWS[key];
  if (right) return buttons[buttons.indexOf(target) + right];
  const here = target.getBoundingClientRect();
  const distance = ({ box }) => 4 * Math.abs(box.top - here.top) + Math.abs(box.left - here.left);
  return buttons
    .map((button) => ({ button, box: button.getBoundingClientRect() }))
    .filter(({ box }) => down * (box.top - here.top) > here.height / 2)
    .sort((a, b) => distance(a) - distance(b))[0]?.button;
}

// ---- download ----

function exportSvg(figure) {
  const { payload: { tokens, n, colors }, selected, grid, layout, labels, lines } = figure;
  const { font, ink, paper } = pageStyle(figure);
  const text = (x, y, words, attributes) => make("text", { x, y, "font-size": 14, fill: ink, ...attributes }, words);
  const page = (width, height, ...children) =>
    make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": font },
      make("rect", { width, height, fill: paper }), text(12, 24, described(figure, selected)), ...children);
  if (selected.view === "grid") {
    const { width, height } = layout;
    return page(width + 24, height + 48, make("image", { x: 12, y: 36, width, height, href: grid.toDataURL() }));
  }
  drawArcs(figure, pointed(figure));
  const row = 22;
  const middle = make("svg", { x: 230, y: 64, width: 260, height: n * row, viewBox: `0 0 100 ${n}`, preserveAspectRatio: "none" });
  [...lines.children].forEach((line, i) => {
    const step = (i + 1) / LINE_STEPS;
    const stroke = { stroke: colors.weights, "stroke-width": 0.75 + 4.5 * step, "stroke-opacity": 0.15 + 0.8 * step };
    middle.append(make("path", { d: line.getAttribute("d"), fill: "none", "vector-effect": "non-scaling-stroke", ...stroke }));
  });
  const column = (side, x, anchor) =>
    tokens.map((token, i) =>
      text(x, 69 + (i + 0.5) * row, `${short(token)} ${labels[side][i].dataset.percent}`, { "text-anchor": anchor }));
  return page(720, n * row + 80, middle,
    text(222, 54, "looks", { "text-anchor": "end", fill: colors.q }), ...column("query", 222, "end"),
    text(498, 54, "is looked at", { fill: colors.k }), ...column("key", 498, "start"));
}
