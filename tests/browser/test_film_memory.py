"""Films of all sessions take no more memory than they may; the page of one put away says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bonefx.web.shared.gone_film import FILM_GONE
from tests.browser.helpers import expect_verdict_and_film, new_page, upload_film, verdict_region
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import serve_app


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app that keeps 1 MB of films, less than two of those below."""
    folder = tmp_path_factory.mktemp("film_memory")
    make_model_folder(folder / "weights")
    with serve_app(folder / "weights", folder, BONEFX_FILM_MEMORY_MB="1") as served:
        yield served


def choose_point(page):
    page.get_by_role("group", name="Operating point").get_by_label("Screening").check()


def test_the_film_unused_for_longest_is_put_away_and_can_be_loaded_again(
    page, app, chromium, tmp_path
):
    film = tmp_path / "film.png"
    film.write_bytes(make_png(400, 400))
    upload_film(page, film)
    expect_verdict_and_film(page)
    other = new_page(chromium)
    other.goto(app.url)
    upload_film(other, film)
    expect_verdict_and_film(other)
    choose_point(page)
    expect(verdict_region(page)).to_contain_text(FILM_GONE)
    page.get_by_role("button", name="Load the film again").click()
    expect_verdict_and_film(page)
    choose_point(other)
    expect(verdict_region(other)).to_contain_text(FILM_GONE)
    other.context.close()
