// Downloads of one figure, the link to it, and room for it.
// A Plotly figure is taken from its own SVG; a component offers `exportSvg()` on its host element.

const SVG_TYPE = "image/svg+xml";

export default function ({ data, parentElement }) {
  parentElement.host.figureSvg = () => drawingOf(data.figure); // the worksheet of the page asks for it
  giveRoom(parentElement, data);
  if (!parentElement.querySelector(".tools")) addTools(parentElement, data);
  return () => takeRoom(parentElement);
}

// ---- room: a figure with a number in every cell is as wide as they need, and scrolls in its box ----

const rooms = new WeakMap(); // parentElement -> what takes the room of its figure away again

function giveRoom(parentElement, { figure, room }) {
  takeRoom(parentElement);
  const box = document.querySelector(`.st-key-chart-${figure}`);
  if (!room || !box) return;
  const style = document.createElement("style");
  style.textContent = `.st-key-chart-${figure} > * { min-width: ${room}px; }`;
  document.head.append(style);
  const watch = new ResizeObserver(() => {
    if (box.clientWidth < room) box.tabIndex = 0; // so that the arrow keys can scroll it
    else box.removeAttribute("tabindex");
  });
  watch.observe(box);
  rooms.set(parentElement, () => {
    style.remove();
    watch.disconnect();
    box.removeAttribute("tabindex");
  });
}

function takeRoom(parentElement) {
  rooms.get(parentElement)?.();
  rooms.delete(parentElement);
}

// ---- tools ----

function addTools(parentElement, data) {
  const tools = document.createElement("div");
  tools.className = "tools";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  const say = (text) => {
    status.textContent = text;
    setTimeout(() => (status.textContent = ""), 2500);
  };
  tools.append(
    button("Copy link", "Copy the link to exactly this view", () => copyLink(data.figure, tools, say)),
    button("SVG", "Download this figure as SVG", () => saveAs(saveSvg, data.figure, say)),
    button("PNG", "Download this figure as PNG", () => saveAs(savePng, data.figure, say)),
    status,
  );
  parentElement.append(tools);
  if (location.hash === `#${data.figure}`) {
    document.querySelector(`.st-key-figure-${data.figure}`)?.scrollIntoView();
  }
}

function button(label, title, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = label;
  element.title = title;
  element.addEventListener("click", onClick);
  return element;
}

async function copyLink(figure, tools, say) {
  const link = new URL(location.href);
  link.hash = figure;
  try {
    await navigator.clipboard.writeText(link.href);
    say("Link copied");
  } catch {
    // Without https the clipboard is closed to pages: show the link, ready to be copied by hand.
    let field = tools.querySelector("input");
    if (!field) {
      field = document.createElement("input");
      field.readOnly = true;
      field.setAttribute("aria-label", "Link to this view");
      tools.append(field);
    }
    field.value = link.href;
    field.select();
    say("Press Ctrl+C to copy");
  }
}

function saveAs(format, figure, say) {
  const svg = svgOf(figure);
  if (svg) format(figure, svg);
  else say("Not drawn yet: try again");
}

function saveSvg(figure, { text }) {
  save(new Blob([text], { type: SVG_TYPE }), `${figure}.svg`);
}

function savePng(figure, { text, width, height }) {
  const url = URL.createObjectURL(new Blob([text], { type: SVG_TYPE }));
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((png) => save(png, `${figure}.png`));
    URL.revokeObjectURL(url);
  };
  picture.src = url;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function drawingOf(figure) {
  const frame = document.querySelector(`.st-key-figure-${figure}`);
  const plot = frame.querySelector(".js-plotly-plot");
  return (plot ? plotlySvg(plot) : componentSvg(frame)) ?? null;
}

function svgOf(figure) {
  const svg = drawingOf(figure);
  if (!svg) return null;
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return {
    text: new XMLSerializer().serializeToString(svg),
    width: Number(svg.getAttribute("width")),
    height: Number(svg.getAttribute("height")),
  };
}

function componentSvg(frame) {
  const hosts = [...frame.querySelectorAll("*")];
  return hosts.find((host) => typeof host.exportSvg === "function")?.exportSvg();
}

// Plotly lays several SVGs over each other, and 3-D scenes on a canvas beneath them.
function plotlySvg(plot) {
  const layers = [...plot.querySelectorAll(".main-svg")];
  if (!layers.length) return null;
  const svg = layers[0].cloneNode(true);
  for (const layer of layers.slice(1)) svg.append(...layer.cloneNode(true).childNodes);
  for (const name of Object.keys(plot._fullLayout)) {
    const scene = plot._fullLayout[name]?._scene;
    if (scene?.toImage) svg.append(sceneImage(scene, svg));
  }
  const background = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  background.setAttribute("width", "100%");
  background.setAttribute("height", "100%");
  background.setAttribute("fill", plot._fullLayout.paper_bgcolor);
  svg.prepend(background);
  return svg;
}

function sceneImage(scene, svg) {
  const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
  image.setAttribute("href", scene.toImage("png"));
  image.setAttribute("width", svg.getAttribute("width"));
  image.setAttribute("height", svg.getAttribute("height"));
  return image;
}
