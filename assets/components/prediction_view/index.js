// A prediction beside what is so, kept in this browser so that a reload does not lose it.

const MOST_KEPT = 300;

export default function ({ data, parentElement, setTriggerValue }) {
  keep(data.remembered);
  parentElement.querySelector(".prediction")?.remove();
  const [predicted, right] = ["predicted", "right"].map((what) => data.rows.find((row) => row[what]));
  const box = element("section", "prediction");
  box.setAttribute("aria-label", "Your prediction");
  const head = element("p", "head");
  head.append(
    element("span", "ask", data.ask),
    element("strong", "", predicted === right ? "✓ As you predicted." : "Not as predicted."),
  );
  head.setAttribute("role", "status");
  const list = element("ul", "");
  list.append(...data.rows.map(drawn));
  const again = element("button", "", "Ask me again");
  again.type = "button";
  again.addEventListener("click", () => setTriggerValue("again", true));
  box.append(head, list, again);
  parentElement.append(box);
  if (!data.fresh || document.activeElement !== document.body) return;
  box.tabIndex = -1; // the button that was pressed is gone: who uses the keyboard goes on from here
  box.focus({ preventScroll: true });
}

function drawn(row) {
  const item = element("li", row.right ? "right" : row.predicted ? "predicted" : "");
  const marks = [row.predicted && "◆ your prediction", row.right && "✓ so it is"].filter(Boolean);
  const line = element("div", "line");
  line.append(element("bdi", "label", row.label), element("span", "number", row.number));
  item.append(line);
  if (row.share !== null) {
    const bar = element("div", "bar");
    const length = element("div", "length");
    length.style.width = `${100 * row.share}%`;
    bar.append(length);
    item.append(bar);
  }
  if (marks.length) item.append(element("div", "marks", marks.join(" · ")));
  item.append(element("p", "because", row.because));
  return item;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function keep(remembered) {
  try {
    const kept = JSON.parse(localStorage.getItem("predictions")) ?? {};
    for (const identity of Object.keys(remembered)) delete kept[identity]; // the newest stands last
    const entries = Object.entries({ ...kept, ...remembered }).slice(-MOST_KEPT);
    localStorage.setItem("predictions", JSON.stringify(Object.fromEntries(entries)));
  } catch {
    // A browser that keeps nothing: the session remembers, as long as it lasts.
  }
}
