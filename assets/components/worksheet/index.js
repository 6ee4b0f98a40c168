// Makes a printable worksheet of this page: one file without scripts that asks no host for anything.
// Python gives the questions when a button is pressed, the figures on the page give their SVGs, and
// so do those that still hide behind a question: for this Python draws them once, out of sight.

const LOOK_AGAIN = 150; // ms
const PATIENCE = 20_000; // ms
const PAPER = { width: 688, height: 560 }; // px: A4 within its margins; what a picture and its table may take
const TALLEST = 800; // px: what is higher would be too small to be read, so it is cut
const HEAD = 110; // px, above the first of them
const ROW = 17; // px, of a table on paper
const FEWEST_ROWS = 6;
const mounted = new WeakMap(); // parentElement -> what is shown, and the file that is awaited

export default function ({ data, parentElement, setTriggerValue }) {
  const view = mounted.get(parentElement) ?? mount(parentElement, data.hidden);
  Object.assign(view, { data, setTriggerValue });
  const { awaited } = view;
  if (!awaited || awaited.sheet || data.wanted?.number !== awaited.number) return;
  awaited.sheet = data.sheet;
  make(view, awaited);
}

function mount(parentElement, hidden) {
  const view = { root: element("div", "tools"), awaited: null };
  view.status = element("span", "");
  view.status.setAttribute("role", "status");
  view.root.append(button(view, "html", "Worksheet (.html)"), button(view, "zip", "Worksheet (.zip)"), view.status);
  parentElement.append(view.root);
  keepOutOfSight(hidden);
  mounted.set(parentElement, view);
  return view;
}

function button(view, kind, label) {
  const made = element("button", "", label);
  made.type = "button";
  made.addEventListener("click", () => {
    view.awaited = { kind, number: Date.now() };
    say(view, "Making it …");
    view.setTriggerValue("wanted", { kind, number: view.awaited.number });
  });
  return made;
}

const say = (view, text) => (view.status.textContent = text);

async function make(view, awaited) {
  const questions = awaited.sheet.questions.filter(({ figure }) => frameOf(figure));
  const pictures = await drawn(questions.map(({ figure }) => figure), view.data.hidden);
  if (view.awaited !== awaited) return; // another file was asked for meanwhile
  view.awaited = null;
  if (pictures) download(awaited.sheet, questions, pictures, awaited.kind);
  say(view, pictures ? "Saved among your downloads." : "A figure is not drawn yet: try again.");
  view.setTriggerValue("made", awaited.number); // what was drawn out of sight may go
}

// ---- the figures ----

const frameOf = (name) => document.querySelector(`.st-key-figure-${name}`);

// About as wide as the paper, however wide the window is.
function keepOutOfSight(hidden) {
  const style = new CSSStyleSheet();
  const width = "min-width: 45rem; max-width: 45rem;";
  style.replaceSync(`.st-key-${hidden} { position: fixed; top: 0; left: -10000px; ${width} }`);
  document.adoptedStyleSheets.push(style);
}

function svgOf(figure, hidden) {
  const places = [figure, `${hidden}-${figure}`].flatMap((name) => [...(frameOf(name)?.querySelectorAll("*") ?? [])]);
  return places.find((host) => typeof host.figureSvg === "function")?.figureSvg();
}

// The pictures, once all are there and look the same twice; null if one does not come.
async function drawn(figures, hidden) {
  const end = Date.now() + PATIENCE;
  for (let before = null; ; ) {
    document.querySelector(`.st-key-${hidden}`)?.toggleAttribute("inert", true);
    const pictures = figures.map((figure) => svgOf(figure, hidden));
    const complete = pictures.every(Boolean);
    const now = complete && pictures.map(({ outerHTML }) => outerHTML).join("");
    if (complete && (now === before || Date.now() > end)) return pictures;
    if (Date.now() > end) return null;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
}

// ---- the file ----

function download(sheet, questions, pictures, kind) {
  const html = new TextEncoder().encode(written(sheet, questions, pictures));
  const name = `worksheet-${sheet.name}`;
  if (kind === "zip") save(zipped(`${name}.html`, html), `${name}.zip`, "application/zip");
  else save(html, `${name}.html`, "text/html");
}

function save(bytes, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function written(sheet, questions, pictures) {
  const page = document.implementation.createHTMLDocument(`Worksheet: ${sheet.title}`);
  page.documentElement.lang = "en";
  page.head.prepend(
    meta({ charset: "utf-8" }),
    meta({ "http-equiv": "Content-Security-Policy", content: sheet.policy }),
    meta({ name: "viewport", content: "width=device-width, initial-scale=1" }),
  );
  page.head.append(element("style", "", sheet.style));
  page.body.classList.toggle("dark", sheet.dark);
  page.body.append(part("main", "", predict(sheet, questions), look(sheet, questions, pictures), key(sheet, questions)));
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`;
}

function meta(attributes) {
  const made = document.createElement("meta");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// ---- its three parts ----

function predict(sheet, questions) {
  const asked = questions.map(({ ask, options }, i) => part("section", "question", ...heading(ask, i),
    part("ul", "", ...options.map(({ label }) => part("li", "", "☐ ", element("bdi", "", label)))),
    ...blank("Because:")));
  return part("section", "predict", ...head(sheet, "1. Predict", "Before you see any picture: tick one option, and say why."),
    names(), ...asked);
}

function look(sheet, questions, pictures) {
  const top = [...head(sheet, "2. Look", "Look at each picture and its numbers, and compare with what you predicted."), names()];
  const seen = questions.map(({ ask, title, table }, i) => part("section", "question", ...(i ? [] : top), ...heading(ask, i),
    figure(pictures[i], title), part("div", "below", numbers(table, roomBelow(pictures[i], i)), comparison())));
  return part("section", "look", ...seen);
}

function key(sheet, questions) {
  const answers = questions.map(({ ask, options, belief }, i) => part("section", "question", ...heading(ask, i),
    part("ul", "", ...options.map(answer)), ...(belief ? [misconception(belief)] : [])));
  return part("section", "key", ...head(sheet, "3. Key", "For the teacher."), named("Made from", location.href.split("#")[0]), ...answers);
}

function head({ title, sentence }, name, instruction) {
  return [element("h1", "", `${name}: ${title}`), element("p", "", instruction), named("Sentence", sentence)];
}

const named = (name, text) => part("p", "named", element("span", "name", `${name}: `), element("bdi", "", text));

const names = () => part("p", "names", ...line("Name:"), ...line("Date:"));

const line = (name) => [element("span", "", name), element("span", "line")];

const blank = (name) => [part("p", "blank", ...line(name)), element("p", "line")];

const heading = (ask, i) => [element("h2", "", `Question ${i + 1}`), element("p", "ask", ask)];

function figure(picture, title) {
  const { width, height } = sizeOf(picture);
  const tall = heightOnPaper(picture);
  const shown = tall > TALLEST ? PAPER.height / tall : 1;
  const [x, y, inside, below] = picture.getAttribute("viewBox")?.split(" ").map(Number) ?? [0, 0, width, height];
  picture.setAttribute("viewBox", [x, y, inside, below * shown].join(" "));
  picture.setAttribute("height", height * shown);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", title);
  const note = shown < 1 ? `Cut: the upper ${Math.round(100 * shown)} % of the picture.` : "";
  return part("figure", "", element("figcaption", "", title), picture, element("p", "note", note));
}

const sizeOf = (picture) => ({ width: Number(picture.getAttribute("width")), height: Number(picture.getAttribute("height")) });

function heightOnPaper(picture) {
  const { width, height } = sizeOf(picture);
  return height * Math.min(1, PAPER.width / width);
}

// How many rows of a table stand below a picture, so that it need not be small for them.
function roomBelow(picture, i) {
  const room = PAPER.height - (i ? 0 : HEAD) - heightOnPaper(picture);
  return Math.max(FEWEST_ROWS, Math.floor(room / ROW));
}

function numbers({ columns, rows, n_rows, n_columns }, room) {
  const cells = (tag, texts) => part("tr", "", ...texts.map((text) => part(tag, "", element("bdi", "", text))));
  const kept = rows.slice(0, room);
  const cuts = [[kept.length, n_rows, "rows"], [columns.length, n_columns, "columns"]].filter(([n, all]) => n < all);
  const note = cuts.map(([n, all, what]) => `the first ${n} of ${all.toLocaleString("en")} ${what}`).join(" and ");
  const table = part("table", "", part("thead", "", cells("th", columns)), part("tbody", "", ...kept.map((row) => cells("td", row))));
  return part("div", "numbers", table, element("p", "note", note && `Cut: ${note}.`));
}

const comparison = () => part("div", "comparison", ...blank("What is so?"), ...blank("Was it as you predicted? Why?"));

function answer({ label, because, measured, right }) {
  return part("li", right ? "right" : "", `${right ? "☑" : "☐"} `, element("bdi", "", label),
    element("span", "measured", measured && ` (measured: ${measured})`), element("p", "", because));
}

function misconception({ belief, instead }) {
  return part("p", "belief", element("span", "name", "Aimed at the belief: "), `“${belief}” ${instead}`);
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function part(name, className, ...children) {
  const made = element(name, className);
  made.append(...children);
  return made;
}

// ---- ZIP: one file, stored as it is (PKWARE APPNOTE 6.3, §4.3) ----

function zipped(name, bytes) {
  const path = new TextEncoder().encode(name);
  const about = numbersOf([20, 2], [0, 2], [0, 2], ...dosTime(new Date()), [crc32(bytes), 4],
    [bytes.length, 4], [bytes.length, 4], [path.length, 2], [0, 2]);
  const local = [numbersOf([0x04034b50, 4]), about, path, bytes];
  const central = [numbersOf([0x02014b50, 4], [20, 2]), about, numbersOf([0, 2], [0, 2], [0, 2], [0, 4], [0, 4]), path];
  const [start, size] = [lengthOf(local), lengthOf(central)];
  const end = numbersOf([0x06054b50, 4], [0, 2], [0, 2], [1, 2], [1, 2], [size, 4], [start, 4], [0, 2]);
  return new Blob([...local, ...central, end]);
}

const lengthOf = (parts) => parts.reduce((sum, { length }) => sum + length, 0);

// Little-endian numbers, each given with its width in bytes.
function numbersOf(...numbers) {
  return Uint8Array.from(numbers.flatMap(([number, width]) =>
    Array.from({ length: width }, (_, i) => (number >>> (8 * i)) & 0xff)));
}

function dosTime(now) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  return [[time, 2], [date, 2]];
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}
