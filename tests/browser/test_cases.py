"""Cases: films of one study and body part stand together, and are read view by view."""

from __future__ import annotations

import pydicom
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.cases import (
    FILMS,
    SINGLE,
    expect_open,
    give,
    open_list,
    open_row,
    row,
    sort_by,
    strip,
    write_films,
)
from tests.browser.helpers import find_serious_violations


@pytest.fixture
def app(app_of_three):
    """Let the page fixture open the app with three models."""
    return app_of_three


@pytest.fixture
def paths(tmp_path):
    return write_films(tmp_path)


@pytest.fixture
def worklist(page, paths):
    """Open the page with the list, all read."""
    open_list(page, paths)
    return page


def order(page):
    """Return the rows in their order: names of films, and words of case heads."""
    return page.locator("#list tbody tr").evaluate_all(
        "rows => rows.filter(row => !row.hidden)"
        ".map(row => row.dataset.film ?? row.querySelector('button').textContent)"
    )


def groups(page):
    """Return the names of the films below each head; films without one stand alone."""
    found: list[set[str]] = []
    of_head = 0
    for text in order(page):
        if text.startswith("Case: "):
            found.append(set())
            of_head = int(text.split()[-2])
        elif of_head:
            found[-1].add(text)
            of_head -= 1
        else:
            found.append({text})
    return sorted(map(sorted, found))


def head(page, words):
    return page.locator("#list tr.head").filter(has_text=words)


def pick(page, *names):
    for name in names:
        row(page, name).get_by_role("checkbox").check()


def test_films_of_a_case_stand_together_below_its_head_in_every_order(worklist):
    wrist, elbow = ["a.dcm", "c.dcm", "e.dcm"], ["b.dcm", "d.dcm"]
    expected = sorted([wrist, elbow, ["f.png"], ["g.png"]])
    assert groups(worklist) == expected
    sort_by(worklist, "Place in the list")
    films = [name for name in order(worklist) if not name.startswith("Case")]
    assert films == [*wrist, "f.png", *elbow, "g.png"]
    assert order(worklist)[0] == "Case: wrist, left, 3 films"
    sort_by(worklist, "Place in the list")
    films = [name for name in order(worklist) if not name.startswith("Case")]
    assert films == ["g.png", "e.dcm", "c.dcm", "a.dcm", "d.dcm", "b.dcm", "f.png"]
    sort_by(worklist, "Film")
    assert groups(worklist) == expected


def test_a_head_has_the_verdict_of_the_first_film_by_urgency(worklist):
    for words in ("wrist, left, 3 films", "elbow, right, 2 films"):
        first = head(worklist, words).locator("xpath=following-sibling::tr[1]")
        called = first.locator(".words").text_content()
        expect(head(worklist, words).locator(".words")).to_have_text(called)
        expect(head(worklist, words).locator(".number")).to_be_empty()


def test_selected_films_are_joined_and_split(worklist):
    tools = worklist.get_by_role("group", name="Selected films")
    expect(tools).to_be_hidden()
    pick(worklist, "f.png")
    expect(tools.get_by_role("button", name="Join to one case")).to_be_disabled()
    pick(worklist, "g.png")
    expect(tools).to_contain_text("2 films selected")
    tools.get_by_role("button", name="Join to one case").press("Enter")
    expect(head(worklist, "body part not named, 2 films")).to_be_visible()
    expect(tools).to_be_hidden()
    head(worklist, "wrist").get_by_role("checkbox").check()
    expect(tools).to_contain_text("3 films selected")
    tools.get_by_role("button", name="Split into single films").press("Enter")
    expect(worklist.locator("#list tr.head")).to_have_count(2)
    assert groups(worklist) == [["a.dcm"], ["b.dcm", "d.dcm"], ["c.dcm"], ["e.dcm"], [*SINGLE]]


def test_a_new_list_has_no_joined_cases_and_no_marks(worklist, paths):
    pick(worklist, *SINGLE)
    worklist.get_by_role("button", name="Join to one case").click()
    expect(head(worklist, "body part not named")).to_be_visible()
    open_row(worklist, "f.png")
    worklist.get_by_role("tab", name="Worklist").click()
    worklist.on("dialog", lambda dialog: dialog.accept())
    give(worklist, paths[-2:])
    expect(worklist.locator("#list tbody tr")).to_have_count(2)
    expect(worklist.locator("#list .is-seen")).to_have_count(0)


def test_opened_films_stay_marked_as_seen(worklist):
    open_row(worklist, "b.dcm")
    worklist.keyboard.press("l")
    expect(row(worklist, "b.dcm").get_by_text("Seen")).to_be_visible()
    expect(row(worklist, "d.dcm").get_by_text("Seen")).to_be_hidden()
    expect(head(worklist, "elbow").get_by_text("All seen")).to_be_hidden()
    open_row(worklist, "d.dcm")
    worklist.keyboard.press("l")
    sort_by(worklist, "Film")
    worklist.locator("#list-point label").first.click()
    expect(worklist.locator("#list-point label").first.get_by_role("radio")).to_be_checked()
    expect(head(worklist, "elbow").get_by_text("All seen")).to_be_visible()
    expect(worklist.locator("#list tr[data-place].is-seen")).to_have_count(2)


def test_a_verdict_filters_the_rows_and_says_how_many_are_hidden(worklist):
    toggle = worklist.locator("#list [data-filter]").first
    verdict = toggle.get_attribute("data-filter")
    count = int(toggle.locator("b").inner_text())
    assert 0 < count < 7
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    shown = worklist.locator("#list tr[data-place]:not([hidden])")
    expect(shown).to_have_count(count)
    assert set(shown.evaluate_all("rows => rows.map(row => row.dataset.verdict)")) == {verdict}
    expect(worklist.locator("#list .filtered")).to_contain_text(f"{7 - count} film")
    worklist.get_by_role("button", name="Show all").press("Enter")
    expect(shown).to_have_count(7)
    expect(toggle).to_have_attribute("aria-pressed", "false")


def test_rows_that_arrive_and_move_leave_the_focus_where_it_is(worklist):
    box = row(worklist, "d.dcm").get_by_role("checkbox")
    box.focus()
    worklist.evaluate("document.dispatchEvent(new Event('order'))")
    for column in ("Place in the list", "Place in the list", "Probability of fracture"):
        worklist.evaluate(
            "name => document.querySelector(`#list th [aria-label='${name}']`).click()", column
        )
        expect(box).to_be_focused()


def test_the_focus_stays_on_its_row_while_others_are_read(page, paths):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(paths)
    focused = row(page, "a.dcm").get_by_role("button")
    focused.focus()
    expect(page.locator("#list tbody .second")).to_have_count(len(FILMS))
    expect(page.locator("#list progress")).to_be_hidden()
    expect(focused).to_be_focused()


def test_keys_lead_from_view_to_view_and_from_case_to_case(worklist):
    sort_by(worklist, "Place in the list")
    open_row(worklist, "a.dcm")
    for key, name in (
        ("n", "c.dcm"), ("n", "e.dcm"), ("n", "f.png"), ("Shift+N", "b.dcm"), ("n", "d.dcm"),
        ("Shift+P", "f.png"), ("Shift+P", "a.dcm"), ("Shift+N", "f.png"), ("p", "e.dcm"),
    ):  # fmt: skip
        worklist.keyboard.press(key)
        expect_open(worklist, name)


def test_the_strip_shows_the_films_of_the_case_and_opens_one(worklist):
    sort_by(worklist, "Place in the list")
    open_row(worklist, "a.dcm")
    called = head(worklist, "wrist").locator(".words").text_content()
    expect(strip(worklist)).to_contain_text(f"Case: {called} (film 1 of 3)")
    films = strip(worklist).get_by_role("listitem").get_by_role("button")
    assert [text.split()[0] for text in films.all_inner_texts()] == ["PA", "LL", "RLO"]
    expect(films.nth(0)).to_have_attribute("aria-current", "true")
    films.nth(2).press("Enter")
    expect_open(worklist, "e.dcm")
    expect(films.nth(2)).to_have_attribute("aria-current", "true")
    expect(films.nth(2)).to_be_focused()
    expect(strip(worklist)).to_contain_text("(film 3 of 3)")
    worklist.keyboard.press("Shift+N")
    expect_open(worklist, "f.png")
    expect(strip(worklist)).to_be_hidden()


def test_a_reader_who_answers_first_sees_no_verdict_of_a_case(worklist):
    worklist.locator("#list [data-filter]").first.click()
    worklist.get_by_role("tab", name="Read").click()
    worklist.get_by_label("My read first").check()
    worklist.get_by_role("tab", name="Worklist").click()
    expect(worklist.locator("#list tr[data-place]:not([hidden])")).to_have_count(7)
    for part in (".called", ".why"):
        expect(worklist.locator(f"#list .head {part}").first).to_be_hidden()
    row(worklist, "a.dcm").get_by_role("button").press("Enter")
    expect(strip(worklist)).to_contain_text("(film 1 of 3)")
    for hidden in strip(worklist).locator(".called").all():
        expect(hidden).to_be_hidden()


def test_a_list_of_cases_and_its_strip_have_no_serious_violation(worklist):
    pick(worklist, "a.dcm")
    assert find_serious_violations(worklist) == {}
    open_row(worklist, "a.dcm")
    assert find_serious_violations(worklist) == {}


def open_report(page):
    page.locator("#report > button").click()


def saved_case(page, words, folder):
    """Press a button that makes a report of the case, and return the path of the saved file."""
    with page.expect_download() as download:
        page.locator("#case_forms").get_by_role("button", name=words).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_one_report_holds_all_films_of_the_case(worklist, tmp_path):
    open_row(worklist, "c.dcm")
    open_report(worklist)
    worklist.get_by_label("Your own text").press_sequentially("Distal radius.")
    pages = PdfReader(saved_case(worklist, "PDF of the case", tmp_path)).pages
    text = " ".join(page.extract_text() for page in pages)
    assert len(pages) == 2
    assert "Wrist, left, 3 films" in text
    assert "Distal radius." in text
    document = pydicom.dcmread(saved_case(worklist, "DICOM report of the case", tmp_path))
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == "1.2.1"


def test_a_film_without_a_case_offers_no_report_of_one(worklist):
    open_row(worklist, "f.png")
    open_report(worklist)
    expect(worklist.get_by_role("button", name="PDF", exact=True)).to_be_visible()
    expect(worklist.locator("#case_forms")).to_be_hidden()
