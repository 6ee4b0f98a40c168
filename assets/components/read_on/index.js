// Asks for the next section when the reader comes near the end of what has been computed,
// or at once if the address names a figure further down.

export default function ({ parentElement, setTriggerValue }) {
  // What changes at one moment goes to the server as one message, and if some of it belongs to a
  // fragment, only that fragment is run: so ask again, ever more patiently, until the section is here.
  let [asked, patience, timer] = [false, 1_000, 0];
  const askAgain = () => {
    setTriggerValue("near", true);
    timer = setTimeout(askAgain, (patience *= 2));
  };
  const ask = () => {
    if (!asked) askAgain();
    asked = true;
  };
  const stop = () => {
    asked = true;
    clearTimeout(timer);
  };

  let button = parentElement.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.textContent = "Read on ↓";
    parentElement.append(button);
  }
  button.onclick = ask;

  const target = decodeURIComponent(location.hash.slice(1));
  if (target && !document.getElementById(target)) ask();

  const observer = new IntersectionObserver(
    (entries) => entries.some((entry) => entry.isIntersecting) && ask(),
    { scrollMargin: "0px 0px 300px 0px" }, // the page scrolls inside an element, not the window
  );
  observer.observe(button);
  // Who follows a link to another page wants nothing more of this one; a late request would bring it back.
  const onClick = (event) => {
    const link = event.composedPath().find((element) => element.tagName === "A");
    if (link && new URL(link.href).pathname !== location.pathname) stop();
  };
  document.addEventListener("click", onClick, true);
  return () => {
    stop();
    observer.disconnect();
    document.removeEventListener("click", onClick, true);
  };
}
