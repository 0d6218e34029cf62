"""No button's text is cut off or overlaps on a small screen and on a tablet."""

from __future__ import annotations

import pytest

from tests.browser.helpers import expect_verdict_and_film

pytestmark = [
    pytest.mark.parametrize("app", ["shipped"], indirect=True),
    pytest.mark.parametrize("size", [(1280, 720), (820, 1180)], ids=["screen", "tablet"]),
]
IS_WHOLE = """(part) => {
    const box = part.getBoundingClientRect();
    const [x, y] = [box.right - 3, box.y + box.height / 2];
    return part.scrollWidth <= part.clientWidth && part.contains(document.elementFromPoint(x, y));
}"""


def cut(parts):
    return [part.inner_text() for part in parts.all() if not part.evaluate(IS_WHOLE)]


def test_the_buttons_of_the_report_fit(page, size):
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    page.get_by_role("button", name="Example 3: leg").click()
    expect_verdict_and_film(page)
    page.get_by_role("button", name="Report").click()
    page.get_by_role("button", name="DICOM report").scroll_into_view_if_needed()
    assert cut(page.locator("#report_forms button")) == []


def test_the_choices_of_the_worklist_fit(page, size):
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    page.get_by_role("tab", name="Worklist").click()
    page.get_by_role("button", name="Download CSV").wait_for()
    assert cut(page.locator("#list-point label, #list-model label, #list-stop, #list-save")) == []
