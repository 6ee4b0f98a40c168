// A page as a teacher wants it. Containers and widgets with a key have the class `st-key-<key>`;
// a section of the lesson is all that stands between its container and the next section's.

const SECTION = "[class*='st-key-section-']";
let undo = () => {};

export default function ({ data }) {
  undo();
  const style = document.createElement("style");
  style.textContent = rules(data);
  document.head.append(style);
  const apply = () => {
    for (const key of data.lock) {
      for (const control of document.querySelectorAll(`.st-key-${key}`)) control.inert = true;
    }
    if (data.only.length) showOnly(data.only);
  };
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { childList: true, subtree: true });
  apply();
  const onKey = (event) => data.present && turn(event);
  document.addEventListener("keydown", onKey);
  undo = () => {
    observer.disconnect();
    style.remove();
    document.removeEventListener("keydown", onKey);
    for (const hidden of document.querySelectorAll("[data-left-out]")) delete hidden.dataset.leftOut;
    for (const key of data.lock) {
      for (const control of document.querySelectorAll(`.st-key-${key}`)) control.inert = false;
    }
    undo = () => {};
  };
  return () => undo();
}

function rules({ hide, lock, present }) {
  const of = (keys) => keys.map((key) => `.st-key-${key}`).join(", ");
  return [
    "[data-left-out] { display: none !important; }",
    hide.length && `${of(hide)} { display: none !important; }`,
    lock.length && `${of(lock)} { opacity: 0.75; cursor: not-allowed; }`,
    present && "html { font-size: clamp(22px, 1.9vw, 30px) !important; }",
  ]
    .filter(Boolean)
    .join("\n");
}

function showOnly(slugs) {
  const sections = [...document.querySelectorAll(SECTION)];
  const first = sections[0];
  if (!first) return;
  let block = first;
  while (block.parentElement && !sections.every((section) => block.parentElement.contains(section))) {
    block = block.parentElement;
  }
  if (sections.length === 1) block = child(first);
  let shown = true;
  for (let next = block; next; next = next.nextElementSibling) {
    const section = next.matches(SECTION) ? next : next.querySelector(SECTION);
    if (section) shown = slugs.some((slug) => section.classList.contains(`st-key-section-${slug}`));
    if (shown) delete next.dataset.leftOut;
    else if (!("leftOut" in next.dataset)) next.dataset.leftOut = "";
  }
}

// With one section there is no common parent to find: climb to where siblings begin.
function child(element) {
  let found = element;
  while (found.parentElement && found.parentElement.children.length === 1) found = found.parentElement;
  return found;
}

// Arrow keys and the keys of a presenter's remote go from section to section.
function turn(event) {
  const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  const inside = event.composedPath()[0].closest?.("input, textarea, select, [role], button, summary");
  if (!step || inside || event.altKey || event.ctrlKey || event.metaKey) return;
  const sections = [...document.querySelectorAll(SECTION)].filter((section) => section.offsetParent);
  const tops = sections.map((section) => Math.round(section.getBoundingClientRect().top) - 80);
  const target = step > 0 ? tops.findIndex((top) => top > 5) : tops.findLastIndex((top) => top < -5);
  event.preventDefault();
  if (target < 0) return;
  sections[target].style.scrollMarginTop = "70px";
  sections[target].scrollIntoView();
}
