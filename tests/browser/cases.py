"""Films of several cases in the worklist of a page."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.image_files import make_pixels, make_png

FILMS = (  # file, study, body part, side, view; the elbow is case 3, and film 3 is of another case
    ("a.dcm", "1.2.1", "WRIST", "L", "PA"),
    ("c.dcm", "1.2.1", "WRIST", "L", "LL"),
    ("f.png", "", "", "", ""),
    ("b.dcm", "1.2.2", "ELBOW", "R", "AP"),
    ("d.dcm", "1.2.2", "ELBOW", "R", "LL"),
    ("e.dcm", "1.2.1", "", "", "RLO"),
    ("g.png", "", "", "", ""),
)
SINGLE = ("f.png", "g.png")


def write_films(folder):
    """Write three views of a wrist, two of an elbow, and two pictures without a study."""
    for seed, (name, study, part, side, view) in enumerate(FILMS):
        pixels = (make_pixels(200, 150, seed=seed) * 4095).astype(np.uint16)
        content = make_dicom_of_study(
            stored=pixels, StudyInstanceUID=study, BodyPartExamined=part, Laterality=side,
            ViewPosition=view, SOPInstanceUID=f"1.2.9.{seed}",
        )  # fmt: skip
        (folder / name).write_bytes(make_png(seed=seed) if name in SINGLE else content)
    return [folder / film[0] for film in FILMS]


def open_list(page, paths):
    """Let the page read a list of films to its end."""
    page.get_by_role("tab", name="Worklist").click()
    give(page, paths)
    expect(page.locator("#list progress")).to_be_hidden()


def give(page, paths):
    page.locator("#films input[type=file]").set_input_files(paths)
    expect(page.locator("#list [role=status]")).to_contain_text(f"{len(paths)} film")


def row(page, name):
    return page.locator(f'#list tr[data-film="{name}"]')


def sort_by(page, name):
    page.get_by_role("columnheader", name=name).get_by_role("button").press("Enter")


def open_row(page, name):
    row(page, name).get_by_role("button").press("Enter")
    expect_open(page, name)


def expect_open(page, name):
    expect(page.locator("#film-navigation small")).to_have_text(name)
    expect_verdict_and_film(page)


def strip(page):
    return page.get_by_role("region", name="Films of the case")
