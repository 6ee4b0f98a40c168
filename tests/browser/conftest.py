"""A server of our own, a real Chromium, and a page that must not complain or call other hosts."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"laptop": {"width": 1280, "height": 720}, "phone": {"width": 390, "height": 844}}
# On a deep link Streamlit's frontend looks for its server below the page's name first.
PROBES = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")

expect.set_options(timeout=30_000)


@contextmanager
def serve() -> Iterator[str]:
    """Start the app on a free port and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    process = subprocess.Popen(
        [*command, "--server.address=127.0.0.1"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urlopen(f"{address}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next(filter(None, map(shutil.which, names)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a browser test again: on a shared machine a browser may stand still for a minute."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    return SIZES[request.param]


@pytest.fixture
def page(server: str, browser: Browser) -> Iterator[Page]:
    """A laptop's window on a warm server."""
    with watched(browser, server) as window:
        yield window


@contextmanager
def watched(browser: Browser, server: str, **context: object) -> Iterator[Page]:
    """Open a window and fail if it met an error or asked another host for anything."""
    opened = browser.new_context(
        base_url=server, **({"viewport": SIZES["laptop"], "accept_downloads": True} | context)
    )
    opened.grant_permissions(["clipboard-read", "clipboard-write"])
    window = opened.new_page()
    complaints: list[str] = []
    window.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    window.on(
        "console",
        lambda message: (
            complaints.append(f"console: {message.text} {message.location['url']}")
            if message.type == "error" and not PROBES.search(message.location["url"])
            else None
        ),
    )
    window.on(
        "request",
        lambda request: (
            complaints.append(f"foreign: {request.url}")
            if not request.url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))
            else None
        ),
    )
    try:
        yield window
    finally:
        opened.close()  # a page left open after a failure would go on computing beside all others
    assert complaints == []


# The script has ended, and the number of elements, those of components too, has not changed for
# four looks in a row: idleness alone is also true before a component has been drawn.
QUIET = """async () => {
  const count = (root) => [...root.querySelectorAll("*")].reduce(
    (sum, element) => sum + 1 + (element.shadowRoot ? count(element.shadowRoot) : 0), 0);
  let [before, same] = [-1, 0];
  const end = Date.now() + 90_000;
  while (same < 4) {
    if (Date.now() > end) throw new Error("still changing after 90 seconds");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const idle = document.querySelector(
      '[data-testid="stApp"][data-test-script-state="notRunning"]');
    const now = idle ? count(document) : -1;
    same = idle && now === before ? same + 1 : 0;
    before = now;
  }
}"""


def settled(page: Page) -> Page:
    """Wait until the page has been computed and drawn."""
    idle = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    page.wait_for_selector(idle, timeout=60_000)
    page.evaluate(QUIET)
    return page


def read_sentence(page: Page, sentence: str) -> None:
    """Type a sentence, press Enter, and wait until it has been read."""
    box = page.get_by_role("textbox", name="Your sentence")
    box.fill(sentence)
    box.press("Enter")
    settled(page)


def read_all(page: Page) -> Page:
    """Make the window as high as the page until every section has been computed, and low again."""
    before = page.viewport_size
    height = 0
    while not height or page.get_by_role("button", name="Read on").count():
        height += 8_000
        page.set_viewport_size({"width": before["width"], "height": height})
        settled(page)
    page.set_viewport_size(before)
    return settled(page)
