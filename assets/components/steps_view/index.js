// Two ways to read the same tokens, on one clock: a recurrent layer takes one token a step, an
// attention block takes all of them through each of its products. A step is one matrix product.

const SVG = "http://www.w3.org/2000/svg";
const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const mounted = new WeakMap(); // parentElement -> view

export default function ({ data, parentElement }) {
  const view = mounted.get(parentElement) ?? mount(parentElement);
  const said = JSON.stringify(data);
  if (said !== view.said) read(view, data, said);
  return () => pause(view);
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function mount(parentElement) {
  const view = { step: 0, timer: null, tokens: "" };
  const button = (name, act) => {
    const made = make("button", { type: "button" }, name);
    made.addEventListener("click", act);
    return made;
  };
  const by = (change) => () => {
    pause(view);
    go(view, view.step + change);
  };
  view.play = button("Play", () => (view.timer ? pause(view) : play(view)));
  view.slider = make("input", { type: "range", min: 0, "aria-label": "Step" });
  view.slider.addEventListener("input", () => {
    pause(view);
    go(view, Number(view.slider.value));
  });
  const controls = make("div", { class: "controls", role: "group", "aria-label": "Steps" }, view.play,
    button("Back", by(-1)), button("Next", by(1)), button("Restart", by(-Infinity)), view.slider);
  view.clock = make("p", { class: "clock", role: "status" });
  view.recurrent = lane("recurrent");
  view.attention = lane("attention");
  view.root = make("div", { class: "steps" }, controls, view.clock, view.recurrent.box, view.attention.box);
  parentElement.append(view.root);
  parentElement.host.exportSvg = () => exportSvg(view); // the SVG and PNG buttons under a figure ask for it
  mounted.set(parentElement, view);
  return view;
}

function lane(kind) {
  const [title, note, row] = [make("strong"), make("span", { class: "note" }), make("ol", { class: kind })];
  return { kind, title, note, row, chips: [], box: make("div", { class: "lane" }, make("p", {}, title, note), row) };
}

// The same tokens in other colours keep their step; other tokens start where attention has just ended.
function read(view, data, said) {
  view.said = said;
  view.data = data;
  view.total = Math.max(data.tokens.length, data.products.length);
  for (const [name, color] of Object.entries(data.colors)) view.root.style.setProperty(`--${name}`, color);
  const tokens = JSON.stringify(data.tokens);
  if (tokens === view.tokens) return;
  pause(view);
  view.tokens = tokens;
  view.slider.max = view.total;
  const dir = RIGHT_TO_LEFT.test(data.tokens.slice(1).join(" ")) ? "rtl" : "ltr"; // the first is [CLS]
  for (const { row, chips } of [view.recurrent, view.attention]) {
    row.dir = dir;
    row.classList.toggle("many", data.tokens.length > 40);
    chips.splice(0, chips.length, ...data.tokens.map((token) => make("li", {}, make("bdi", {}, token))));
    row.replaceChildren(...chips);
  }
  go(view, data.products.length);
}

function go(view, step) {
  const { tokens, products } = view.data;
  view.step = Math.min(Math.max(step, 0), view.total);
  const [n_read, n_products] = [Math.min(view.step, tokens.length), Math.min(view.step, products.length)];
  view.slider.value = view.step;
  view.slider.setAttribute("aria-valuetext", `step ${view.step} of ${view.total}`);
  view.clock.textContent = `After step ${view.step} of ${view.total}`;
  tell(view.recurrent, "Recurrent layer", n_read, tokens.length, `${n_read} of ${tokens.length} tokens read`);
  tell(view.attention, "Attention block", n_products, products.length,
    n_products ? `product ${n_products} of ${products.length}: ${products[n_products - 1]}` : "all tokens wait");
  view.recurrent.chips.forEach((chip, place) => {
    fill(chip, place < n_read ? 1 : 0);
    chip.classList.toggle("now", place === n_read - 1 && view.step <= tokens.length);
  });
  for (const chip of view.attention.chips) {
    fill(chip, n_products / products.length);
    chip.classList.toggle("now", n_products > 0 && view.step <= products.length);
  }
}

function tell({ title, note }, name, done, all, text) {
  title.textContent = name;
  note.textContent = ` · ${text}${done === all ? " · done" : ""}`;
}

function fill(chip, share) {
  chip.share = share;
  chip.style.setProperty("--share", `${100 * share}%`);
}

function play(view) {
  if (view.step === view.total) go(view, 0);
  view.play.textContent = "Pause";
  view.clock.setAttribute("aria-live", "off"); // nobody wants every tick read out
  const pace = calm.matches ? 1_000 : Math.min(700, Math.max(120, 10_000 / view.total));
  view.timer = setInterval(() => {
    if (view.step + 1 >= view.total) pause(view);
    go(view, view.step + 1);
  }, pace);
}

function pause(view) {
  clearInterval(view.timer);
  view.timer = null;
  view.play.textContent = "Play";
  view.clock.setAttribute("aria-live", "polite");
}

// ---- download ----

function exportSvg({ root, clock, recurrent, attention }) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(name).trim();
  const draw = (tag, attributes, text = "") => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, attribute] of Object.entries(attributes)) node.setAttribute(name, attribute);
    node.textContent = text;
    return node;
  };
  const origin = root.getBoundingClientRect();
  const top = clock.getBoundingClientRect().top - origin.top;
  const [width, height] = [origin.width + 24, origin.height - top + 24];
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": value("--st-font"), "font-size": 15 });
  svg.append(draw("rect", { width, height, fill: value("--st-background-color") }));
  const place = (node) => {
    const box = node.getBoundingClientRect();
    return { x: box.left - origin.left + 12, y: box.top - origin.top - top + 12, width: box.width, height: box.height };
  };
  const ink = value("--st-text-color");
  const write = (node) => {
    const { x, y, height: tall } = place(node);
    svg.append(draw("text", { x, y: y + tall / 2, "dominant-baseline": "central", fill: ink }, node.textContent));
  };
  write(clock);
  for (const { kind, title, row, chips } of [recurrent, attention]) {
    write(title.parentElement);
    for (const chip of chips) {
      const box = place(chip);
      const color = value(`--${kind}`);
      const filled = { ...box, y: box.y + box.height * (1 - chip.share), height: box.height * chip.share };
      svg.append(draw("rect", { ...filled, rx: 4, fill: color, "fill-opacity": 0.3 }));
      svg.append(draw("rect", { ...box, rx: 4, fill: "none", stroke: color }));
      const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      const size = { "font-size": row.matches(".many") ? 12 : 15 };
      svg.append(draw("text", { ...middle, ...size, "text-anchor": "middle", "dominant-baseline": "central", fill: ink }, chip.textContent));
    }
  }
  return svg;
}
