// Makes a printable worksheet of this page: one file without scripts that asks no host for anything.
// Python gives the questions when a button is pressed, the figures on the page give their SVGs.

const mounted = new WeakMap(); // parentElement -> what is shown, and the file that is awaited

export default function ({ data, parentElement, setTriggerValue }) {
  const view = mounted.get(parentElement) ?? mount(parentElement);
  Object.assign(view, { data, setTriggerValue });
  const awaited = view.awaited;
  if (!awaited || data.wanted?.number !== awaited.number) return tellMissing(view);
  view.awaited = null;
  if (download(data.sheet, awaited.kind)) say(view, "Saved among your downloads.");
  else say(view, "A figure is not drawn yet: try again.");
  tellMissing(view);
}

function mount(parentElement) {
  const view = { root: element("div", "tools"), awaited: null };
  view.status = element("span", "");
  view.status.setAttribute("role", "status");
  view.missing = element("p", "missing");
  view.root.append(view.missing, button(view, "html", "Worksheet (.html)"), button(view, "zip", "Worksheet (.zip)"), view.status);
  for (const event of ["pointerenter", "focusin"]) view.root.addEventListener(event, () => tellMissing(view));
  parentElement.append(view.root);
  mounted.set(parentElement, view);
  return view;
}

function button(view, kind, label) {
  const made = element("button", "", label);
  made.type = "button";
  made.addEventListener("click", () => {
    view.awaited = { kind, number: Date.now() };
    say(view, "Making it …");
    view.setTriggerValue("wanted", view.awaited);
  });
  return made;
}

const say = (view, text) => (view.status.textContent = text);

// Figures may have come, gone or been asked about since Python listed them.
function tellMissing(view) {
  const n = view.data.figures.filter((figure) => frameOf(figure) && !toolsOf(figure)).length;
  const figures = n === 1 ? "1 figure is" : `${n} figures are`;
  const text = n ? `${figures} still hidden behind questions: switch Ask me first off to have them on the sheet.` : "";
  view.missing.hidden = !text;
  view.missing.textContent = text;
}

// ---- the figures ----

const frameOf = (figure) => document.querySelector(`.st-key-figure-${figure}`);

function toolsOf(figure) {
  return [...frameOf(figure).querySelectorAll("*")].find((host) => typeof host.figureSvg === "function");
}

// ---- the file ----

function download(sheet, kind) {
  const questions = sheet.questions.filter(({ figure }) => frameOf(figure));
  const pictures = questions.map(({ figure }) => toolsOf(figure)?.figureSvg());
  if (pictures.includes(null)) return false;
  const html = new TextEncoder().encode(written(sheet, questions, pictures));
  const name = `worksheet-${sheet.name}`;
  if (kind === "zip") save(zipped(`${name}.html`, html), `${name}.zip`, "application/zip");
  else save(html, `${name}.html`, "text/html");
  return true;
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
  page.body.append(part("main", "",
    part("section", "sheet", ...head(sheet, sheet.title), blanks(), ...questions.map((each, i) => question(each, i, pictures[i]))),
    part("section", "key", ...head(sheet, `Key: ${sheet.title}`), ...questions.map(answer)),
  ));
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`;
}

function meta(attributes) {
  const made = document.createElement("meta");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function head(sheet, title) {
  const address = location.href.split("#")[0];
  return [element("h1", "", title), named("Sentence", sheet.sentence), named("Made from", address)];
}

const named = (name, text) => part("p", "named", element("span", "name", `${name}: `), element("bdi", "", text));

function blanks() {
  return part("p", "blanks", blank("Name"), blank("Date"));
}

const blank = (name, tag = "span") => part(tag, "blank", element("span", "", `${name}:`), element("span", "line"));

function question({ ask, title, options, table }, i, picture) {
  const choices = options.map(({ label }) => part("li", "", "☐ ", element("bdi", "", label)));
  const asked = part("div", "asked", element("h2", "", `Question ${i + 1}`), figure(picture, title), element("p", "ask", ask),
    part("ul", "", ...choices), blank("Because", "p"), element("p", "line"));
  return part("section", "question", asked, numbers(table));
}

function figure(picture, title) {
  const caption = element("figcaption", "", title);
  const without = "The picture is left out: it was still hidden behind its question.";
  if (!picture) return part("figure", "", caption, element("p", "note", without));
  const [width, height] = ["width", "height"].map((side) => picture.getAttribute(side));
  if (!picture.hasAttribute("viewBox")) picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", title);
  return part("figure", "", caption, picture);
}

function numbers({ columns, rows, note }) {
  const cells = (tag, texts) => part("tr", "", ...texts.map((text) => part(tag, "", element("bdi", "", text))));
  const table = part("table", "", part("thead", "", cells("th", columns)), part("tbody", "", ...rows.map((row) => cells("td", row))));
  return part("div", "numbers", table, element("p", "note", note));
}

function answer({ ask, options }, i) {
  const choices = options.map(({ label, because, measured, right }) =>
    part("li", right ? "right" : "", `${right ? "☑" : "☐"} `, element("bdi", "", label),
      element("span", "measured", measured && ` (measured: ${measured})`), element("p", "", because)));
  return part("section", "question", element("h2", "", `Question ${i + 1}`), element("p", "ask", ask), part("ul", "", ...choices));
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
