"""A picture out of scope gets no verdict; a film that looks inverted can be inverted."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.fixtures.image_files import make_pixels
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.scopes import make_narrow_scope
from tests.fixtures.servers.app import serve_app

OUT = re.compile("Out of scope")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Serve two small models with a narrow scope."""
    folder = tmp_path_factory.mktemp("scoped")
    for seed, name in enumerate(("first", "second")):
        make_model_folder(folder / "weights", id=name, seed=seed, scope=make_narrow_scope())
    with serve_app(folder / "weights", folder) as served:
        yield served


@pytest.fixture
def picture(tmp_path):
    """Write a picture that is not a radiograph."""
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (220, 160)).astype(np.uint8))
    return path


@pytest.fixture
def dark_bone(tmp_path):
    """Write a film with inverted grey levels."""
    path = tmp_path / "dark.png"
    cv2.imwrite(str(path), 255 - np.rint(make_pixels(220, 160) * 255).astype(np.uint8))
    return path


def expect_refused(page):
    expect(verdict_region(page).get_by_role("heading")).to_have_text(OUT)
    expect(page.get_by_text("probability of fracture")).to_have_count(0)
    expect(page.get_by_role("img", name="Radiograph")).to_be_visible()
    expect(page.locator("#viewer image.map")).to_have_count(0)


def test_a_picture_out_of_scope_is_shown_and_refused_with_a_reason(page, picture):
    upload_film(page, picture)
    expect_refused(page)
    expect(verdict_region(page).get_by_text("This picture")).to_be_visible()
    expect(page.get_by_role("button", name="Read it inverted")).to_have_count(0)


def test_a_film_that_looks_inverted_can_be_inverted_and_read(page, dark_bone):
    upload_film(page, dark_bone)
    expect_refused(page)
    expect(verdict_region(page).get_by_text("looks inverted")).to_be_visible()
    page.get_by_role("button", name="Read it inverted").click()
    expect_verdict_and_film(page)
    expect(verdict_region(page).get_by_text("black and white swapped")).to_be_visible()
    expect(page.get_by_role("button", name="Read it inverted")).to_be_hidden()


def test_a_film_after_a_refused_one_is_read(page, picture, film_file):
    upload_film(page, picture)
    expect_refused(page)
    upload_film(page, film_file)
    expect_verdict_and_film(page)


def test_a_refused_picture_does_not_count_in_the_session(page, picture, film_file):
    page.get_by_label("My read first").check()
    upload_film(page, picture)
    page.get_by_role("button", name="No fracture", exact=True).click()
    expect_refused(page)
    expect(page.get_by_text("Same answer on")).to_have_count(0)
    upload_film(page, film_file)
    page.get_by_role("button", name="No fracture", exact=True).click()
    expect_verdict_and_film(page)
    expect(page.get_by_text(re.compile(r"Same answer on \d of [01] films"))).to_be_visible()


def test_compare_shows_the_refusal_of_each_model_and_no_map(page, picture):
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-film input[type=file]").set_input_files(picture)
    for name in ("first", "second"):
        column = page.get_by_role("region", name=f"Verdict of {name}")
        expect(column.get_by_role("heading")).to_have_text(OUT)
    expect(page.locator("#compare-sides image.map")).to_have_count(0)


def test_the_worklist_shows_a_refused_picture_with_its_reason_and_opens_it(
    page, picture, film_file
):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files([picture, film_file])
    row = page.locator("#list tr.out_of_scope")
    expect(row).to_have_count(1)
    expect(row.locator(".why")).to_contain_text("This picture")
    expect(row.locator(".number")).to_have_text("")
    row.get_by_role("button").click()
    expect_refused(page)
