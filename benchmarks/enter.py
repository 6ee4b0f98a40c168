"""Enter is pressed in the running app: how long until the picture of the new sentence is drawn.

Every sentence has 32 tokens and was never sent before. Timed in the page: from the key to the first
frame that has the new sentence's tokens in the component's shadow root.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from playwright.sync_api import Page

from benchmarks.measure import Row
from benchmarks.sentences import new_sentence
from tests.browser.conftest import chromium, serve, settled

PAGE = "self_attention"
N_TOKENS = 32
WARM_UPS = 3
REPETITIONS = 40
WINDOW = {"width": 1280, "height": 720}
# A deep search at the start, then only the shadow roots found; a component that is mounted anew
# is searched for again.
STOPWATCH = """
let roots = [];
const search = (node) => [...node.querySelectorAll("*")].map((element) => element.shadowRoot)
  .filter((root) => root?.querySelector(".chips"));
const shown = () => {
  if (!roots.length || roots.some((root) => !root.host.isConnected)) roots = search(document);
  return roots.map((root) => root.querySelector(".chips").textContent).join();
};
window.watch = (tokens) => {
  window.drawn = new Promise((resolve) => addEventListener("keydown", ({ key }) => {
    const begin = performance.now();
    const look = () => {
      if (shown().includes(tokens)) resolve(performance.now() - begin);
      else requestAnimationFrame(look);
    };
    if (key === "Enter") look();
  }, { capture: true, once: true }));
};
"""


def rows() -> Iterator[Row]:
    """Measure on a server and in a browser that have both been used before."""
    words = random.Random(5)
    with serve() as address, chromium() as browser:
        window = browser.new_page(viewport=WINDOW)
        window.goto(f"{address}/{PAGE}")
        settled(window)
        window.evaluate(STOPWATCH)
        times = [
            enter(window, new_sentence(words, N_TOKENS)) for _ in range(WARM_UPS + REPETITIONS)
        ]
    yield Row(f"Enter to picture, {N_TOKENS} tokens", "ms", times[WARM_UPS:], (), "p95", 150)


def enter(window: Page, sentence: str) -> float:
    """Type a sentence and press Enter; give the milliseconds until its tokens are drawn.

    Raises:
        TimeoutError: If they are not drawn within ten seconds.
    """
    box = window.get_by_role("textbox", name="Your sentence")
    box.fill(sentence)
    window.evaluate(f"() => watch({json.dumps(sentence.replace(' ', ''))})")
    box.press("Enter")
    milliseconds = window.evaluate(
        "() => Promise.race([drawn, new Promise((done) => setTimeout(done, 10_000, null))])"
    )
    if milliseconds is None:
        raise TimeoutError(f"no component on {PAGE} shows the tokens of a new sentence")
    settled(window)
    return milliseconds
