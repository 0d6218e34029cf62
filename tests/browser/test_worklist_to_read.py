"""A long worklist and Read: open a film, and return to its row."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, verdict_region
from tests.fixtures.image_files import make_png

FILMS = 30


@pytest.fixture
def app(app_of_three):
    """Let the page fixture open the app with three models."""
    return app_of_three


@pytest.fixture
def worklist(page):
    """Open the Worklist tab."""
    page.get_by_role("tab", name="Worklist").click()
    return page


def give_long_list(page, tmp_path):
    """Upload a worklist longer than the screen, and return its rows."""
    with zipfile.ZipFile(tmp_path / "list.zip", "w") as archive:
        for index in range(FILMS):
            archive.writestr(f"{index}.png", make_png(seed=index))
    page.locator("#films input[type=file]").set_input_files(tmp_path / "list.zip")
    expect(page.locator("#list [role=status]")).to_contain_text(f"{FILMS} films")
    return page.locator("#list tbody tr")


@pytest.fixture
def folder(tmp_path):
    """Write a folder with two films, one in a subfolder, and a document."""
    (tmp_path / "study" / "series").mkdir(parents=True)
    (tmp_path / "study" / "one.png").write_bytes(make_png(seed=1))
    (tmp_path / "study" / "series" / "two.png").write_bytes(make_png(seed=2))
    (tmp_path / "study" / "notes.txt").write_text("x")
    return tmp_path / "study"


def drop_from_desktop(page, path):
    """Drop a file or folder as the desktop does; a script in the page cannot do this."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    page.evaluate("over = false; addEventListener('dragover', () => { over = true; })")
    for kind in ("dragEnter", *["dragOver"] * 20):  # Chromium does not tell the page of each
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
        if page.evaluate("over"):
            break
        page.wait_for_timeout(100)
    devtools.send("Input.dispatchDragEvent", {"type": "drop", "x": 300, "y": 300, "data": data})


def test_read_uses_the_model_and_operating_point_of_the_worklist(worklist, tmp_path):
    worklist.locator("#list-model").get_by_label("second").check()
    expect(worklist.locator("#list-caution")).not_to_be_empty()
    row = give_long_list(worklist, tmp_path).first
    expect(row).to_contain_text("band of 'balanced'")
    chosen = worklist.locator("#list-point label").last
    chosen.click()
    expect(worklist.locator("#list")).not_to_contain_text("band of 'balanced'")
    called = row.locator("td.called .words").inner_text()
    threshold = chosen.inner_text().split()[-1]
    row.get_by_role("button").press("Enter")
    expect_verdict_and_film(worklist)
    expect(verdict_region(worklist).get_by_role("heading")).to_have_text(called)
    expect(verdict_region(worklist)).to_contain_text(f"Threshold {threshold}")
    expect(worklist.locator("#model").get_by_label("second")).to_be_checked()
    expect(worklist.locator("#point label").last.get_by_role("radio")).to_be_checked()
    expect(worklist.locator("#caution")).to_contain_text("Not for reading films: second")


def test_a_film_opens_at_the_top_and_the_worklist_keeps_its_scroll_position(worklist, tmp_path):
    rows = give_long_list(worklist, tmp_path)
    opened, following = (rows.nth(FILMS - left).get_by_role("button") for left in (3, 2))
    opened.press("Enter")
    expect_verdict_and_film(worklist)
    assert worklist.evaluate("scrollY") == 0
    worklist.get_by_role("tab", name="Worklist").click()
    expect(opened).to_be_focused()
    expect(opened).to_be_in_viewport(ratio=1)
    worklist.keyboard.press("ArrowDown")
    expect(following).to_be_focused()


@pytest.mark.parametrize("tab", ["Read", "Compare", "Worklist"])
def test_a_folder_dropped_on_any_screen_opens_as_a_worklist(page, folder, tab):
    page.get_by_role("tab", name=tab).click()
    drop_from_desktop(page, folder)
    expect(page.locator("#list [role=status]")).to_contain_text("2 films")
    expect(page.locator("#list [role=status]")).to_contain_text("1 other file left out")
    for name in ("one.png", "two.png"):
        expect(page.get_by_role("button", name=name)).to_be_visible()


def test_a_film_dropped_from_the_desktop_is_read(page, folder):
    drop_from_desktop(page, folder / "one.png")
    expect_verdict_and_film(page)
