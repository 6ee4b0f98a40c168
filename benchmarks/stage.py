"""Pages without Streamlit that draw the same attention: our component, and BertViz's views.

A figure is timed from its data in hand (our payload, BertViz's HTML) to the second frame after its
picture was made, in a page that has loaded all code before: what happens for every new sentence.
The three libraries that BertViz loads from a CDN come from this machine, fetched once through npm.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from bertviz import head_view, model_view
from playwright.sync_api import Browser, Page

from benchmarks.sentences import new_sentence
from core.encoder import Encoder, EncoderTrace
from core.heads import KINDS, head_kinds
from pages.ui.components.attention_view import Selection, attention_payload
from pages.ui.figures.style import BACKGROUND, GRID, TEXT, colors

ROOT = Path(__file__).parents[1]
COMPONENT = ROOT / "assets/components/attention_view"
LIBRARIES = ROOT / "benchmarks/results/libraries"
# The file BertViz asks for -> the npm package that holds it, and its path there.
CDN = "https://cdnjs.cloudflare.com/ajax/libs/"
FILES = {
    "require.js/2.3.6/require.min.js": ("requirejs@2.3.6", "require.js"),
    "d3/5.7.0/d3.min.js": ("d3@5.7.0", "dist/d3.min.js"),
    "jquery/2.0.0/jquery.min.js": ("jquery@2.1.0", "dist/jquery.min.js"),  # npm has no 2.0.0
}
WINDOW = {"width": 1280, "height": 1600}
REQUIRE_TAG = re.compile(r"<script src=[^>]*require[^>]*></script>")  # the page has it already

# Every page has loaded its code and data, and then waits for show(): from the data in hand to the
# second frame after the picture was made, in milliseconds.
OURS = f"""<!doctype html><meta charset="utf-8"><title>attention_view</title>
<style>:root {{
  --st-text-color: {TEXT["light"]}; --st-background-color: {BACKGROUND["light"]};
  --st-border-color: {GRID["light"]}; --st-primary-color: {colors("light")["q"]};
  --st-font: sans-serif;
}}</style>
<div id="figure"></div>
<script type="module">
import draw from "./index.js";
const data = new Uint8Array(await (await fetch("DATA")).arrayBuffer());
const parentElement = document.getElementById("figure").attachShadow({{ mode: "open" }});
const style = document.createElement("style");
style.textContent = await (await fetch("style.css")).text();
parentElement.append(style);
window.show = () => new Promise((resolve) => {{
  const begin = performance.now();
  draw({{ data, parentElement, setStateValue() {{}}, setTriggerValue() {{}} }});
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - begin)));
}});
</script>
"""
BERTVIZ = f"""<!doctype html><meta charset="utf-8"><title>BertViz</title>
<body><script src="/{next(iter(FILES))}"></script>
<script type="module">
const view = await (await fetch("DATA")).text();
require.config({{ paths: {{ d3: "/d3/5.7.0/d3.min", jquery: "/jquery/2.0.0/jquery.min" }} }});
await new Promise((resolve) => requirejs(["jquery", "d3"], resolve));
window.show = () => new Promise((resolve) => {{
  const begin = performance.now();
  document.body.append(document.createRange().createContextualFragment(view));
  requirejs(["jquery", "d3"], () => requestAnimationFrame(() =>
    requestAnimationFrame(() => resolve(performance.now() - begin))));
}});
</script>
"""


class Stage:
    """A folder of pages and the server that hands them out."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address

    def put_ours(self, trace: EncoderTrace) -> int:
        """Write the page that shows our component; give the size of its data in bytes."""
        kinds = [[KINDS[kind] for kind in block] for block in head_kinds(trace).kinds.tolist()]
        payload = attention_payload(
            trace.weights.numpy(), trace.tokens, kinds, Selection(), (), colors("light")
        )
        return self.put(f"ours-{len(trace.tokens)}", OURS, payload)

    def put_bertviz(self, view: str, trace: EncoderTrace) -> int:
        """Write the page that shows one of BertViz's views; give the size of its data in bytes."""
        make = {"head": head_view, "model": model_view}[view]
        attention = [block.attention.weights[None] for block in trace.blocks]
        shown = make(attention, list(trace.tokens), html_action="return").data
        data = REQUIRE_TAG.sub("", shown).replace(CDN, "/").encode()
        return self.put(f"{view}-{len(trace.tokens)}", BERTVIZ, data)

    def put(self, name: str, page: str, data: bytes) -> int:
        """Write a page and its data."""
        (self.folder / f"{name}.data").write_bytes(data)
        (self.folder / f"{name}.html").write_text(page.replace("DATA", f"{name}.data"))
        return len(data)

    def open(self, browser: Browser, name: str) -> tuple[Page, float]:
        """Open a page in a window of its own, and tell how many milliseconds its picture took."""
        window = browser.new_page(viewport=WINDOW)
        window.goto(f"{self.address}/{name}.html")
        window.wait_for_function("'show' in window", polling=50)
        return window, window.evaluate("show()")


def a_trace(encoder: Encoder, n_tokens: int) -> EncoderTrace:
    """Read a sentence of so many tokens."""
    return encoder.trace(new_sentence(random.Random(n_tokens), n_tokens))


@contextmanager
def stage() -> Iterator[Stage]:
    """Serve an empty folder, with the component's files and BertViz's libraries in it."""
    fetch_libraries()
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(COMPONENT, folder, dirs_exist_ok=True)
        shutil.copytree(LIBRARIES, folder, dirs_exist_ok=True)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Stage(folder, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    """A file server that prints nothing."""

    def log_message(self, *_words: object) -> None:
        """Keep the terminal for the table."""


def fetch_libraries() -> None:
    """Fetch what BertViz loads from a CDN, once, from npm.

    Raises:
        RuntimeError: If npm is missing or cannot fetch them.
    """
    for path, (package, file) in FILES.items():
        target = LIBRARIES / path
        if target.exists():
            continue
        if shutil.which("npm") is None:
            raise RuntimeError("npm is not installed; it fetches the libraries that BertViz needs")
        with TemporaryDirectory() as folder:
            packed = subprocess.run(
                ["npm", "pack", "--silent", package],
                cwd=folder, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            if packed.returncode:
                raise RuntimeError(f"npm could not fetch {package}: {packed.stderr.strip()}")
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                content = archive.extractfile(f"package/{file}").read()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
