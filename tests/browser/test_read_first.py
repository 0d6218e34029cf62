"""Reader first: the model answers only after the reader."""

from __future__ import annotations

import csv
import io

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import VERDICTS, expect_verdict_and_film, upload_film, verdict_region

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


@pytest.fixture
def first(page):
    """Open Read with "My read first" on."""
    page.get_by_label("My read first").check()
    return page


def answer(page, words):
    page.locator("#own").get_by_role("button", name=words, exact=True).click()


def test_no_result_of_the_model_is_on_the_page_before_the_reader_answers(first, film_file):
    upload_film(first, film_file)
    expect(verdict_region(first)).to_contain_text("Your read first")
    expect(first.locator("figure.film[data-drawn]")).to_have_count(1)
    expect(first.locator("image.map")).to_have_count(0)
    expect(verdict_region(first)).not_to_contain_text("probability")
    expect(first.locator("#details")).not_to_contain_text("Time")
    answer(first, "No fracture")
    expect_verdict_and_film(first)
    expect(first.locator("#own")).not_to_be_visible()
    expect(first.locator("#agreement")).to_contain_text("Same answer on")


def test_an_example_hides_its_label_before_the_reader_answers(first):
    first.get_by_role("button", name="Example 3: leg").click()
    expect(verdict_region(first)).to_contain_text("Your read first")
    expect(first.locator("#details")).not_to_contain_text("labelled")
    answer(first, "Fracture")
    expect(first.locator("#details")).to_contain_text("labelled fracture")


def test_another_operating_point_does_not_reveal_the_verdict(first, film_file):
    upload_film(first, film_file)
    expect(verdict_region(first)).to_contain_text("Your read first")
    first.locator("#point label").first.click()
    expect(first.locator("#measured caption")).to_contain_text("screening")
    expect(verdict_region(first)).to_contain_text("Your read first")


def test_films_of_a_session_are_counted(first):
    for number in (1, 2):
        first.get_by_role("button", name=f"Example {number}: ").click()
        expect(verdict_region(first)).to_contain_text("Your read first")
        answer(first, "Not sure")
        expect(verdict_region(first).get_by_role("heading")).to_contain_text(VERDICTS)
    expect(first.locator("#agreement")).to_contain_text("on 2 more one of the two did not decide")


def test_a_double_answer_counts_once(first):
    first.get_by_role("button", name="Example 1: ").click()
    expect(first.locator("#own")).to_be_visible()
    first.evaluate("document.querySelectorAll('#own button').forEach((one) => one.click())")
    expect(first.locator("#agreement .note")).to_contain_text("film")
    first.get_by_role("button", name="Example 2: ").click()
    expect(first.locator("#own")).to_be_visible()
    first.locator("#own").get_by_role("button", name="Not sure").click()
    expect_verdict_and_film(first)
    with first.expect_download() as download:
        first.get_by_role("button", name="Download this session as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 3  # its head and two films


def csv_of(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this session as CSV").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text())))


def test_an_answer_is_taken_back_and_given_again(first):
    first.get_by_role("button", name="Example 1: ").click()
    expect(first.locator("#own")).to_be_visible()
    answer(first, "Fracture")
    expect_verdict_and_film(first)
    first.get_by_role("button", name="Take my answer back").click()
    expect(verdict_region(first)).to_contain_text("Your read first")
    expect(first.locator("#agreement table")).to_have_count(0)
    expect(first.locator("image.map")).to_have_count(0)
    answer(first, "No fracture")
    expect_verdict_and_film(first)
    (row,) = csv_of(first)
    assert (row["reader"], row["revised"]) == ("no_fracture", "1")


def test_a_judgement_of_the_verdict_is_kept_for_its_film_alone(page):
    page.get_by_role("button", name="Example 1: ").click()
    expect_verdict_and_film(page)
    judgement = page.get_by_role("group", name="Do you agree with the verdict?")
    judgement.get_by_label("Disagree").check()
    expect(page.locator("#agreement")).to_contain_text("agreed with the model on 0 of 1 films")
    page.get_by_role("button", name="Example 2: ").click()
    expect(page.locator("#details")).to_contain_text("FracAtlas")
    expect_verdict_and_film(page)
    expect(judgement.get_by_role("radio", checked=True)).to_have_count(0)
    judgement.get_by_label("Agree", exact=True).check()
    expect(page.locator("#agreement")).to_contain_text("agreed with the model on 1 of 2 films")
    assert [row["agrees"] for row in csv_of(page)] == ["0", "1"]
    page.locator("#point label").first.click()  # another verdict may follow
    expect(judgement.get_by_role("radio", checked=True)).to_have_count(0)
