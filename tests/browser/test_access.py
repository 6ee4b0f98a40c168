"""A lesson for those who use only the keyboard, a magnified page, or who want less motion."""

from playwright.sync_api import expect

from tests.browser.conftest import SIZES, read_all, settled, watched

# The element that has the focus, also inside components, and what one sees of it.
FOCUS = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const box = focused.getBoundingClientRect();
  return {
    name: focused.getAttribute("aria-label") || focused.textContent.trim().slice(0, 60),
    tag: focused.tagName,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
    group: focused.closest("[class*='st-key-predict-']")?.className ?? "",
  };
}"""


def test_a_whole_lesson_is_walked_through_with_the_keyboard_alone(page):
    page.goto("/")
    settled(page)
    lesson = page.get_by_test_id("stSidebar").get_by_role("link", name="Tokenization")
    lesson.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
    read_all(page)  # who tabs as fast as a machine comes to the end before the rest is there
    names, answered = [], set()
    for _ in range(250):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        names.append(focus["name"])
        assert focus["seen"] or focus["tag"] == "BODY", focus
        if focus["group"] and focus["group"] not in answered:
            answered.add(focus["group"])
            page.keyboard.press("Enter")
            settled(page)
        elif "Embeddings" in focus["name"] and len(names) > 40:
            page.keyboard.press("Enter")
            break
    expect(page.get_by_role("heading", name="Embeddings", exact=True)).to_be_visible()
    assert len(answered) == 2
    assert {"Your sentence", "Copy link"} <= set(names)


def test_at_two_hundred_percent_nothing_is_cut_off(browser, server):
    """A window of 1,280 pixels that is magnified twice has room for 640."""
    half = {"width": SIZES["laptop"]["width"] // 2, "height": SIZES["laptop"]["height"] // 2}
    with watched(browser, server, viewport=half, device_scale_factor=2) as page:
        for path in ("self_attention", "vanishing_gradients"):
            page.goto(f"/{path}")
            read_all(page)
            main = page.get_by_test_id("stMain")
            assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1


def test_who_wants_less_motion_gets_none_that_runs_by_itself(browser, server):
    with watched(browser, server, reduced_motion="reduce") as page:
        page.goto("/sequential_cost")
        read_all(page)
        running = page.evaluate(
            "document.getAnimations().filter((a) => a.playState === 'running').length"
        )
        assert running == 0
