"""Sequential cost in a real browser: the two readers' steps, and a measurement of this machine."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


def measuring(server: str) -> list[str]:
    """List the measuring processes of the server at this address."""
    port = f"--server.port={server.rpartition(':')[2]}"
    commands: dict[str, tuple[str, str]] = {}  # process -> its parent, its command
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            commands[folder.name] = parent, (folder / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
    servers = [process for process, (_, command) in commands.items() if port in command]
    return [
        process
        for process, (parent, command) in commands.items()
        if parent in servers and "core.sequential_cost" in command
    ]


def come_to(page, server, n_processes):
    """Wait until so many measuring processes run."""
    for _ in range(120):
        if len(measuring(server)) == n_processes:
            return True
        page.wait_for_timeout(250)
    return False


def steps(page):
    return page.locator(".st-key-figure-cost-steps")


def filled(page, lane):
    """Count the tokens of a lane that are filled from top to bottom."""
    return steps(page).locator(f"ol.{lane} li[style*='100%']")


def test_a_recurrent_layer_reads_a_token_a_step_while_attention_is_done_after_six(
    browser, server, size
):
    with watched(browser, server, viewport=size) as page:
        page.goto("/sequential_cost")
        settled(page)
        expect(steps(page).get_by_role("status").first).to_have_text("After step 6 of 16")
        expect(filled(page, "recurrent")).to_have_count(6)
        expect(filled(page, "attention")).to_have_count(16)
        steps(page).get_by_role("button", name="Back").click()
        expect(filled(page, "attention")).to_have_count(0)
        steps(page).get_by_role("slider", name="Step").press("End")
        expect(filled(page, "recurrent")).to_have_count(16)
        expect(steps(page).get_by_text("16 of 16 tokens read · done")).to_be_visible()
        steps(page).get_by_role("button", name="Restart").click()
        expect(filled(page, "recurrent")).to_have_count(0)


def test_play_goes_on_by_itself_until_it_is_paused(page):
    page.goto("/sequential_cost?sentence=one+two+three+four+five+six+seven+eight")
    settled(page)
    play = steps(page).get_by_role("button", name="Play")
    steps(page).get_by_role("button", name="Restart").click()
    play.focus()
    page.keyboard.press("Enter")
    expect(filled(page, "recurrent")).to_have_count(3)
    pause = steps(page).get_by_role("button", name="Pause")
    pause.click()
    expect(pause).to_have_count(0)
    read = filled(page, "recurrent").count()
    page.wait_for_timeout(1_500)
    expect(filled(page, "recurrent")).to_have_count(read)
    play.click()
    expect(steps(page).get_by_text("10 of 10 tokens read · done")).to_be_visible()
    expect(play).to_be_visible()


def test_another_sentence_starts_anew_and_its_markup_stays_text(page):
    page.goto("/sequential_cost?sentence=%3Cb%3Ehi%3C/b%3E")
    settled(page)
    expect(steps(page).locator("ol.recurrent li").nth(1)).to_have_text("<")
    expect(steps(page).locator("ol b")).to_have_count(0)


def test_the_steps_can_be_saved_as_a_picture(page):
    page.goto("/sequential_cost")
    settled(page)
    with page.expect_download() as download:
        steps(page).get_by_role("button", name="SVG").click()
    assert "After step 6 of 16" in Path(download.value.path()).read_text(encoding="utf-8")


def test_points_arrive_while_a_measurement_runs_and_stop_ends_it(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        batch = 16 if size["width"] > 1_000 else 4  # each size needs one that nobody has measured
        page.goto(f"/sequential_cost?cost_batch={batch}#cost-measured")
        expect(page.get_by_text("Recorded on")).to_be_visible()
        page.get_by_role("button", name="Measure on this server now").click()
        expect(page.get_by_text("Measuring on CPU, 1 thread: about")).to_be_visible()
        expect(page.get_by_text("Measured on this server")).to_be_visible()
        assert come_to(page, server, 1)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Measure on this server now")).to_be_visible()
        assert come_to(page, server, 0)
        expect(page.get_by_text("Measured on this server")).to_be_visible()


def test_nothing_runs_once_one_visitor_has_left_the_page_and_the_other_closed_the_tab(
    page, browser, server
):
    address = "/sequential_cost?cost_width=256&cost_batch=16#cost-measured"
    with watched(browser, server) as other:
        for window in (page, other):
            window.goto(address)
            window.get_by_role("button", name="Measure on this server now").click()
            expect(window.get_by_role("progressbar")).to_be_visible()
        assert come_to(page, server, 1)
        page.get_by_test_id("stSidebar").get_by_role("link", name="Tokenization").click()
        expect(page.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
    assert come_to(page, server, 0)
