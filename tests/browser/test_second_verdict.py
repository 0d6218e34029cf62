"""The second model's verdict: beside the first one's in Read, and in each row of a worklist."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from bonefx.report.wording.readings import AGREES, DISAGREES, ONE_ANSWER
from tests.browser.helpers import VERDICTS, expect_verdict_and_film, verdict_region
from tests.fixtures.servers.app import REPOSITORY

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.jpg"))
SECOND = re.compile("Second model, vgg16: . (Fracture|No fracture|Review|Out of scope)")


def second_verdict(page):
    return verdict_region(page).locator(".second")


@pytest.mark.parametrize("number", range(1, 9))
def test_both_verdicts_are_shown_with_and_without_a_map(page, number):
    page.get_by_role("button", name=f"Example {number}: ").click()
    expect_verdict_and_film(page)
    expect(second_verdict(page)).to_contain_text(SECOND)
    first = VERDICTS.search(verdict_region(page).get_by_role("heading").inner_text()).group()
    words = second_verdict(page).inner_text()
    second = SECOND.search(words).group(1)
    expected = ONE_ANSWER if second == "Out of scope" else AGREES if second == first else DISAGREES
    assert words.endswith(expected)
    marked = "disagrees" in second_verdict(page).get_attribute("class")
    assert marked is (expected == DISAGREES)


def test_another_operating_point_decides_both_verdicts(page):
    page.get_by_role("button", name="Example 6: ").click()
    expect_verdict_and_film(page)
    expect(second_verdict(page)).to_contain_text(SECOND)
    before = second_verdict(page).inner_text()
    page.get_by_role("radio", name="Screening").check()
    expect(page.locator("#measured")).to_contain_text("“screening”")
    expect(second_verdict(page)).to_contain_text(SECOND)
    probability = re.compile(r"0\.\d+")
    assert probability.search(second_verdict(page).inner_text()).group() in before


def test_rows_of_a_worklist_get_the_second_verdict_and_keep_the_focus(page):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(EXAMPLES)
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(len(EXAMPLES))
    rows.first.get_by_role("button").focus()
    film = rows.first.get_by_role("button").inner_text()
    expect(page.locator("#list tbody .second")).to_have_count(len(EXAMPLES), timeout=120_000)
    assert page.evaluate("document.activeElement.textContent") == film
    expect(page.locator("#list progress")).to_be_hidden()
    disagreeing = page.locator("#list tbody .second.disagrees").count()
    summary = page.locator("#list [role=status]")
    if disagreeing:
        expect(summary).to_contain_text(f"second model disagrees on {disagreeing}")
    else:
        expect(summary).not_to_contain_text("disagrees")
