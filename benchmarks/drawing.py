"""All heads of all blocks on screen in Chromium, against BertViz's head view and model view.

Ours shows all 72 heads and one of them large; so does BertViz's model view (small); its head view
shows the 12 heads of one block over each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Row
from benchmarks.stage import a_trace, stage
from core.pretrained import load_encoder
from tests.browser.conftest import chromium

REPETITIONS = {("head", 32): 7, ("model", 32): 5, ("head", 128): 3, ("model", 128): 1}
PAYLOAD_LIMITS = {32: 0.1, 128: 1.3}  # MB


def rows() -> Iterator[Row]:
    """Measure from the data in hand to the second frame after drawing."""
    encoder = load_encoder()
    sizes: dict[int, tuple[float, float]] = {}
    with stage() as our_stage, chromium() as browser:

        def time_to_picture(name: str) -> float:
            window, milliseconds = our_stage.open(browser, name)
            window.close()
            return milliseconds

        for (view, n_tokens), repetitions in REPETITIONS.items():
            trace = a_trace(encoder, n_tokens)
            our_size, their_size = our_stage.put_ours(trace), our_stage.put_bertviz(view, trace)
            sizes[n_tokens] = our_size / 1e6, their_size / 1e6
            time_to_picture(f"ours-{n_tokens}")
            ours, theirs = [], []
            for _ in range(repetitions):
                ours.append(time_to_picture(f"ours-{n_tokens}"))
                theirs.append(time_to_picture(f"{view}-{n_tokens}"))
            name = f"drawing {n_tokens} tokens: BertViz {view} view"
            yield Row(name, "ms", ours, theirs, limit=0.2)
    for n_tokens, (ours, theirs) in sizes.items():
        name = f"payload of {n_tokens} tokens: BertViz"
        yield Row(name, "MB", [ours], [theirs], "median", PAYLOAD_LIMITS[n_tokens])
