"""A film that the page shows and the server no longer has: actions say so and offer it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bonefx.web.film_parts import NO_FULL_RESOLUTION
from bonefx.web.shared.gone_film import FILM_GONE, LIST_GONE
from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.browser.test_report_panel import open_panel
from tests.browser.viewer.test_full_size import write_noise
from tests.fixtures.evaluations import make_three_models
from tests.fixtures.servers.app import ServedApp, find_free_port, start_app, wait_for_app


class RestartedApp:
    """An app that can be restarted at its address, so that it forgets its sessions."""

    def __init__(self, folder) -> None:
        self._folder, self._port = folder, find_free_port()
        make_three_models(folder / "weights")
        self._log = (folder / "log").open("w")
        self.served = ServedApp(
            url=f"http://127.0.0.1:{self._port}", log=folder / "log", uploads=folder / "uploads"
        )
        self.start()

    @property
    def url(self):
        return self.served.url

    def start(self):
        self._process = start_app(
            self._folder / "weights", port=self._port, uploads=self.served.uploads, log=self._log
        )
        wait_for_app(self.served, self._process)

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=90)

    def restart(self):
        self.stop()
        self.start()


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = RestartedApp(tmp_path_factory.mktemp("restarted"))
    yield app
    app.stop()


def choose_point(page):
    page.get_by_role("group", name="Operating point").get_by_label("Screening").check()


def choose_model(page):
    page.locator("#model").get_by_label("second").check()


def mirror(page):
    page.get_by_role("button", name="Mirror").click()


def report(page):
    open_panel(page)
    page.get_by_role("button", name="JSON").click()


def expect_gone(page):
    expect(verdict_region(page)).to_contain_text(FILM_GONE)
    expect(page.get_by_role("img", name="Radiograph")).to_be_visible()


def load_again(page):
    return page.get_by_role("button", name="Load the film again")


@pytest.mark.parametrize("act", [choose_point, choose_model, mirror, report])
def test_an_upload_is_sent_again_after_any_action(page, app, film_file, act):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    expect(load_again(page)).to_be_hidden()
    app.restart()
    act(page)
    expect_gone(page)
    load_again(page).click()
    expect_verdict_and_film(page)
    expect(load_again(page)).to_be_hidden()
    expect(page.locator("#details")).to_contain_text("160 × 220")  # noqa: RUF001


def test_a_reduced_film_says_that_its_full_resolution_is_gone(page, app, tmp_path):
    write_noise(tmp_path / "large.png", (300, 2700))
    upload_film(page, tmp_path / "large.png")
    expect(page.get_by_text("Shown reduced to")).to_be_visible()
    app.restart()
    page.locator("#viewer .stage").press("1")
    expect(page.get_by_text(NO_FULL_RESOLUTION)).to_be_visible()
    expect_verdict_and_film(page)


def test_an_example_is_opened_again(page, app):
    page.get_by_role("button", name="Example 6: ").click()
    expect_verdict_and_film(page)
    app.restart()
    choose_point(page)
    expect_gone(page)
    load_again(page).click()
    expect_verdict_and_film(page)
    expect(page.locator("#details")).to_contain_text("IMG0000801.jpg")


def test_a_list_lost_in_a_restart_is_named_so(page, app, film_file):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list-point").get_by_label("Screening")).to_be_enabled()
    app.restart()
    page.locator("#list-point").get_by_label("Screening").check()
    expect(page.locator("#list [role=status]")).to_contain_text(LIST_GONE)
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_compare_offers_its_film_again(page, app, film_file):
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-film input[type=file]").set_input_files(film_file)
    expect(page.locator("#compare-sides .side")).not_to_have_count(0)
    app.restart()
    page.locator("#compare-models").get_by_label("second").check()
    expect(page.locator("#compare-sides")).to_contain_text(FILM_GONE)
    load_again(page).click()
    expect(page.locator("#compare-sides")).not_to_contain_text(FILM_GONE)
    expect(page.get_by_label("Verdict of second")).to_be_visible()
