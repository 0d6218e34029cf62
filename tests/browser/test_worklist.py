"""Worklist: many films at once."""

from __future__ import annotations

import csv
import re
import time
import zipfile

import gradio as gr
import pytest
import torch
from playwright.sync_api import expect

from bonefx.reading.reader import Reader
from bonefx.web.launch import Service
from bonefx.web.server_settings import ServerSettings
from bonefx.web.shared.navigation import OpenedRow
from bonefx.web.worklist.screen import build_worklist
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels, make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, find_free_port

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.jpg"))[:3]
LONG = 500
RANK = {"Fracture": 0, "Review": 1, "Not read": 2, "Out of scope": 2, "No fracture": 3}


@pytest.fixture
def worklist(page):
    """Open the Worklist tab."""
    page.get_by_role("tab", name="Worklist").click()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
    return page


@pytest.fixture
def files(tmp_path):
    """Write three examples, a broken file, a DICOM film and an archive with a copy of the first."""
    (tmp_path / "broken.png").write_bytes(b"GIF89a and no more")
    pixels = (make_pixels(200, 150) * 4095).astype("uint16")
    (tmp_path / "0001").write_bytes(make_dicom(pixels, PatientName="Doe^Jane"))
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(EXAMPLES[0], "in/copy.jpg")
        archive.writestr("notes.txt", "x")
    return [*EXAMPLES, *(tmp_path / name for name in ("broken.png", "0001", "study.zip"))]


@pytest.fixture
def long_list(tmp_path):
    """Write an archive of many large films, which take a while to read."""
    path, kinds = tmp_path / "long.zip", [make_png(700, 500, seed=seed) for seed in range(10)]
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(LONG):
            archive.writestr(f"{index}.png", kinds[index % len(kinds)])
    return path


def give(page, paths, *, place="#films"):
    page.locator(f"{place} input[type=file]").set_input_files(paths)


def rows(page):
    return page.locator("#list tbody tr")


def status(page):
    return page.locator("#list [role=status]")


def column(page, name):
    return [text.strip() for text in page.locator(f"#list td.{name}").all_inner_texts()]


def expect_read(page, number):
    expect(status(page)).to_contain_text(f"{number} film", timeout=240_000)
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def sort_by(page, name):
    page.get_by_role("columnheader", name=name).get_by_role("button").press("Enter")


def save_table(page, path):
    """Save the table as CSV, and return its rows."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "worklist.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_worklist_with_a_broken_file_is_read_and_sorted_by_urgency(worklist, files):
    give(worklist, files)
    expect_read(worklist, 6)
    expect(rows(worklist)).to_have_count(6)
    bad = rows(worklist).filter(has_text="broken.png")
    expect(bad).to_contain_text("Not read")
    expect(bad).to_contain_text("Found a GIF file; use PNG")
    expect(rows(worklist).filter(has_text="study.zip/in/copy.jpg")).to_contain_text(
        "Same file as number 1"
    )
    expect(status(worklist)).to_contain_text("1 not read")
    expect(status(worklist)).to_contain_text("1 other file left out")
    expect(worklist.locator("body")).not_to_contain_text("Doe")
    ranks = [RANK[re.sub(r"^\W+", "", text)] for text in column(worklist, "called .words")]
    assert ranks == sorted(ranks)
    for index in range(5):  # each film that was read has its picture
        image = worklist.locator("#list td.picture img").nth(index)
        assert image.evaluate("image => image.complete && image.naturalWidth") == 72


def test_columns_sort_by_place_by_name_and_by_urgency(worklist, files):
    give(worklist, files)
    expect_read(worklist, 6)
    first = column(worklist, "place")
    sort_by(worklist, "Probability of fracture")
    shown = [text.strip("<>") for text in column(worklist, "number")]
    numbers = [float(text) if text else -1.0 for text in shown]
    assert numbers == sorted(numbers, reverse=True)
    sort_by(worklist, "Place in the list")
    assert column(worklist, "place") == ["1", "2", "3", "4", "5", "6"]
    sort_by(worklist, "Place in the list")
    assert column(worklist, "place") == ["6", "5", "4", "3", "2", "1"]
    sort_by(worklist, "Film")
    names = [text.splitlines()[0] for text in column(worklist, "name")]
    assert names[0] == "0001"
    assert names[-1] == "study.zip/in/copy.jpg"
    sort_by(worklist, "Verdict, by urgency")
    assert column(worklist, "place") == first
    head = worklist.get_by_role("columnheader", name="Verdict, by urgency")
    expect(head).to_have_attribute("aria-sort", "ascending")


def test_the_table_is_saved_as_csv(worklist, app, files, tmp_path):
    give(worklist, files)
    expect_read(worklist, 6)
    table = save_table(worklist, tmp_path / "kept.csv")
    assert [row["place"] for row in table] == column(worklist, "place")
    errors = {row["film"]: row["error"] for row in table}
    assert errors["broken.png"].startswith("found a GIF file")
    assert [path for path in app.uploads.rglob("*") if path.suffix in {".csv", ".jpg"}] == []
    with worklist.expect_download() as again:
        worklist.get_by_role("button", name="Download CSV").click()
    assert again.value.suggested_filename == "worklist.csv"


def test_a_stopped_worklist_keeps_the_films_read_so_far(worklist, long_list, tmp_path):
    give(worklist, long_list)
    expect(rows(worklist)).not_to_have_count(0)
    expect(worklist.get_by_role("progressbar", name="Films read")).to_be_visible()
    stop = worklist.get_by_role("button", name="Stop")
    expect(stop).to_be_enabled()
    stop.press("Enter")
    expect(status(worklist)).to_contain_text("not read")
    count = rows(worklist).count()
    assert 0 < count < LONG
    expect(status(worklist)).to_contain_text(f"{LONG - count} not read")
    expect(worklist.get_by_role("button", name="Download CSV")).to_be_enabled()
    expect(worklist.get_by_role("progressbar", name="Films read")).to_be_hidden()
    assert len(save_table(worklist, tmp_path / "kept.csv")) == rows(worklist).count() == count


def test_a_new_worklist_replaces_a_running_one(worklist, app, long_list, files):
    give(worklist, long_list)
    expect(rows(worklist)).not_to_have_count(0)
    worklist.on("dialog", lambda dialog: dialog.accept())
    give(worklist, files[:2])
    expect_read(worklist, 2)
    expect(rows(worklist)).to_have_count(2)
    assert len(app.lists) == 1
    give(worklist, files[:1])  # by now the first list would have had its turn again
    expect_read(worklist, 1)
    expect(rows(worklist)).to_have_count(1)


def test_another_operating_point_updates_every_row(worklist, files):
    give(worklist, files)
    expect_read(worklist, 6)
    probabilities = sorted(column(worklist, "number"))
    worklist.locator("#list-point label").first.click()
    expect(worklist.locator("#list-point label").first.get_by_role("radio")).to_be_checked()
    expect(rows(worklist)).to_have_count(6)
    assert sorted(column(worklist, "number")) == probabilities


def test_rows_stay_after_a_visit_to_another_tab(worklist, files):
    give(worklist, files[:2])
    expect_read(worklist, 2)
    worklist.get_by_role("tab", name="Read").click()
    worklist.get_by_role("tab", name="Worklist").click()
    expect(rows(worklist)).to_have_count(2)


def test_a_folder_is_read_without_its_documents(worklist, tmp_path):
    folder = tmp_path / "study"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "1.png").write_bytes(make_png(seed=1))
    (folder / "notes.txt").write_text("x")
    give(worklist, folder, place="#folder")
    expect_read(worklist, 1)
    expect(status(worklist)).to_contain_text("1 other file left out")


def test_films_dropped_on_the_worklist_are_read_there(worklist):
    transfer = worklist.evaluate_handle(
        """(content) => {
            const transfer = new DataTransfer();
            for (const name of ["a.png", "b.png"])
                transfer.items.add(new File([Uint8Array.from(content)], name));
            return transfer;
        }""",
        list(make_png()),
    )
    worklist.dispatch_event("#list", "drop", {"dataTransfer": transfer})
    expect_read(worklist, 2)


def test_a_name_from_an_archive_is_shown_as_text(worklist, tmp_path):
    names = ["${document.title='owned'}.png", "<img src=x onerror=document.title='owned'>.png"]
    names += ["`+(document.title='owned')+`.png", "{{constructor}}.png"]
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"no film")
    give(worklist, tmp_path / "names.zip")
    expect_read(worklist, 4)
    for name in names:
        expect(worklist.get_by_role("button", name=f"names.zip/{name}")).to_be_visible()
    expect(worklist).to_have_title("bonefx")


def test_nothing_of_a_list_is_kept_when_the_page_is_left(worklist, app, files):
    give(worklist, files)
    expect_read(worklist, 6)
    assert len(app.lists) == 1
    worklist.on("dialog", lambda dialog: dialog.accept())
    worklist.goto("about:blank")
    deadline = time.monotonic() + 60
    while app.lists and time.monotonic() < deadline:
        time.sleep(0.5)
    assert app.lists == []
    assert "broken" not in app.log.read_text()
    names = {path.name for path in app.uploads.rglob("*") if path.is_file()}
    assert names.isdisjoint({path.name for path in files})


@pytest.fixture(scope="module")
def joined_url(tmp_path_factory):
    """Serve a page with the worklist and a component that shows the opened film."""
    weights = tmp_path_factory.mktemp("weights")
    make_model_folder(weights)
    reader = Reader.from_folder(weights, device=torch.device("cpu"))
    with gr.Blocks() as page:
        parts = build_worklist(reader)
        arrived = gr.Textbox(label="Arrived", interactive=False)

        def show(row: OpenedRow) -> str:
            source = row.newest().source
            return f"{source.name}, {source.read().file_format}"

        parts.opened.success(show, parts.row, arrived)
        page.unload(parts.on_unload)
    port = find_free_port()
    Service(page=page, settings=ServerSettings(host="127.0.0.1", port=port)).start()
    yield f"http://127.0.0.1:{port}"
    page.close()


def test_a_row_opened_by_keyboard_reaches_the_receiving_component(chromium, joined_url, files):
    page = chromium.new_page()
    page.set_default_timeout(30_000)
    page.goto(joined_url)
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible(timeout=60_000)
    give(page, files)
    expect_read(page, 6)
    arrived = page.get_by_label("Arrived")
    page.get_by_role("button", name="0001").press("Enter")
    expect(arrived).to_have_value("0001, DICOM")
    sort_by(page, "Place in the list")
    page.get_by_role("button", name=EXAMPLES[0].name).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=EXAMPLES[1].name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(arrived).to_have_value(f"{EXAMPLES[1].name}, JPEG")
    rows(page).filter(has_text="copy.jpg").locator("td.called").click()
    expect(arrived).to_have_value("study.zip/in/copy.jpg, JPEG")
    expect(rows(page).filter(has_text="copy.jpg")).to_have_attribute("aria-current", "true")
    page.close()
