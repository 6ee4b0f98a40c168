"""The pointer moves to a token: how long until its lines are set apart from the others.

Real mouse moves at 32 tokens, in our component and in BertViz's head view, timed inside the page:
from the first event of a move to the end of the last one's handlers, with the layout they ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from benchmarks.measure import Row
from benchmarks.stage import a_trace, stage
from core.pretrained import load_encoder
from tests.browser.conftest import chromium

N_TOKENS = 32
PASSES = 4  # over every token but the first, where the pointer rests between passes
STOPWATCH = """
let begin = null;
window.answers = [];
window.frames = [];
addEventListener("pointerover", () => { begin ??= performance.now(); }, true);
addEventListener("pointermove", () => { begin ??= performance.now(); }, true);
addEventListener("mousemove", () => {
  const moved = begin;
  for (const picture of PICTURES) picture.getBoundingClientRect();
  answers.push(performance.now() - moved);
  requestAnimationFrame(() => setTimeout(() => frames.push(performance.now() - moved)));
  begin = null;
});
"""
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


@dataclass(frozen=True)
class Peer:
    """A page that answers to the pointer, and where to look at it (JavaScript expressions)."""

    page: str
    tokens: str  # elements to point at
    pictures: str  # elements that must be laid out anew
    answered: str  # the number of the token whose lines are set apart


OURS = Peer(
    f"ours-{N_TOKENS}",
    'document.getElementById("figure").shadowRoot.querySelectorAll(".side.query .label")',
    'document.getElementById("figure").shadowRoot.querySelectorAll(".lines, .label")',
    '[...document.getElementById("figure").shadowRoot.querySelectorAll(".side.query .label")]'
    '.findIndex((label) => label.classList.contains("at"))',
)
BERTVIZ = Peer(
    f"head-{N_TOKENS}",
    'document.querySelectorAll("#left .background")',
    'document.querySelectorAll("#vis svg, #left text")',
    '[...document.querySelectorAll("#left .background")]'
    ".findIndex((token) => Number(token.style.opacity) === 1)",
)


def rows() -> Iterator[Row]:
    """Measure both, pass by pass in turn."""
    trace = a_trace(load_encoder(), N_TOKENS)
    with stage() as our_stage, chromium() as browser:
        our_stage.put_ours(trace)
        our_stage.put_bertviz("head", trace)
        windows = {}
        for peer in (OURS, BERTVIZ):
            windows[peer], _ = our_stage.open(browser, peer.page)
            windows[peer].evaluate(STOPWATCH.replace("PICTURES", peer.pictures))
        answers: dict[Peer, list[float]] = {OURS: [], BERTVIZ: []}
        frames: dict[Peer, list[float]] = {OURS: [], BERTVIZ: []}
        for _ in range(PASSES):
            for peer, window in windows.items():
                window.bring_to_front()
                hover_every_token(window, peer)
                answers[peer] += window.evaluate("answers")
                frames[peer] += window.evaluate("frames")
    name = f"hover, {N_TOKENS} tokens"
    yield Row(f"{name}: BertViz head view", "ms", *answers.values(), "p95", 16)
    yield Row(f"{name}, until painted: BertViz head view", "ms", *frames.values(), "p95")


def hover_every_token(window: Page, peer: Peer) -> None:
    """Point at one token after the other, each time until the answer is on screen.

    Raises:
        RuntimeError: If the picture does not answer to a token.
    """
    centres = window.evaluate(f"""[...{peer.tokens}].map((token) => {{
        const box = token.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    }})""")
    window.mouse.move(*centres[0])
    window.evaluate(NEXT_FRAME)
    window.evaluate("() => { answers.length = frames.length = 0; }")
    for number, centre in enumerate(centres[1:], start=1):
        window.mouse.move(*centre)
        window.evaluate(NEXT_FRAME)
        if window.evaluate(peer.answered) != number:
            raise RuntimeError(f"{peer.page} did not answer to token {number}")
