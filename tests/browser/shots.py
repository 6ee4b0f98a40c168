"""Take pictures of every page, at two sizes, in light and in dark, into `shots/`."""

from __future__ import annotations

from pages.ui.menu import HOME, LESSONS
from tests.browser.conftest import ROOT, SIZES, chromium, read_all, serve

if __name__ == "__main__":
    folder = ROOT / "shots"
    folder.mkdir(exist_ok=True)
    with serve() as address, chromium() as browser:
        for topic in (HOME, *LESSONS):
            for size, viewport in SIZES.items():
                for theme in ("light", "dark"):
                    context = browser.new_context(viewport=viewport, color_scheme=theme)
                    page = context.new_page()
                    page.goto(f"{address}/{'' if topic is HOME else topic.name}")
                    read_all(page)
                    height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
                    page.set_viewport_size({"width": viewport["width"], "height": height})
                    page.wait_for_timeout(1_000)
                    file = folder / f"{topic.name}-{size}-{theme}.png"
                    page.screenshot(path=file)
                    print(file.relative_to(ROOT))
                    context.close()
