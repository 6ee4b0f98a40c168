"""Pages without Streamlit that draw the same attention: our component, and BertViz's views.

All come from a server on this machine, so that every figure is timed from the start of navigation:
its data sent and parsed, its code loaded, its picture drawn. BertViz loads three libraries from a
CDN; the pages take them from here, fetched once through npm.
"""

from __future__ import annotations

import random
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
PATIENCE = 120_000  # ms; BertViz's model view of 128 tokens takes about 25 s

DRAWN = """
const drawn = () => requestAnimationFrame(() => requestAnimationFrame(
  () => { window.drawn = performance.now(); }));
"""
OURS = f"""<!doctype html><meta charset="utf-8"><title>attention_view</title>
<style>:root {{
  --st-text-color: {TEXT["light"]}; --st-background-color: {BACKGROUND["light"]};
  --st-border-color: {GRID["light"]}; --st-primary-color: {colors("light")["q"]};
  --st-font: sans-serif;
}}</style>
<div id="figure"></div>
<script type="module">
import show from "./index.js";
{DRAWN}
const file = (name) => fetch(name);
const [css, data] = await Promise.all([
  fetch("style.css").then((file) => file.text()), fetch("PAYLOAD").then((file) => file.bytes())]);
const parentElement = document.getElementById("figure").attachShadow({{ mode: "open" }});
const style = document.createElement("style");
style.textContent = css;
parentElement.append(style);
show({{ data, parentElement, setStateValue() {{}}, setTriggerValue() {{}} }});
drawn();
</script>
"""
BERTVIZ = f"""<!doctype html><meta charset="utf-8"><title>BertViz</title>
<body>VIEW<script>{DRAWN} requirejs(["jquery", "d3"], drawn);</script>
"""


class Stage:
    """A folder of pages and the server that hands them out."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address

    def put_ours(self, trace: EncoderTrace) -> int:
        """Write the page that shows our component; give the size of its payload in bytes."""
        kinds = [[KINDS[kind] for kind in block] for block in head_kinds(trace).kinds.tolist()]
        payload = attention_payload(
            trace.weights.numpy(), trace.tokens, kinds, Selection(), (), colors("light")
        )
        name = f"payload-{len(trace.tokens)}"
        (self.folder / name).write_bytes(payload)
        (self.folder / f"ours-{len(trace.tokens)}.html").write_text(OURS.replace("PAYLOAD", name))
        return len(payload)

    def put_bertviz(self, view: str, trace: EncoderTrace) -> int:
        """Write the page that shows one of BertViz's views; give its size in bytes."""
        make = {"head": head_view, "model": model_view}[view]
        attention = [block.attention.weights[None] for block in trace.blocks]
        shown = make(attention, list(trace.tokens), html_action="return").data
        page = BERTVIZ.replace("VIEW", shown.replace(CDN, "/"))
        return (self.folder / f"{view}-{len(trace.tokens)}.html").write_text(page)

    def open(self, browser: Browser, name: str) -> Page:
        """Open a page in a window of its own and wait until its picture is drawn."""
        window = browser.new_page(viewport=WINDOW)
        window.goto(f"{self.address}/{name}.html", wait_until="commit")
        window.wait_for_function("window.drawn", polling=50, timeout=PATIENCE)
        return window


def milliseconds_to_picture(window: Page) -> float:
    """Tell when the picture was drawn, counted from the start of navigation."""
    return window.evaluate("window.drawn")


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
