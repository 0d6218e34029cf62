"""Every event is answered: none is lost between the end of a stream of answers and the next one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)

ANSWERS = "**/gradio_api/queue/data?*"
SLOW_END = """
    const browserFetch = window.fetch;
    window.fetch = async (...args) => {
        const answer = await browserFetch(...args);
        if (!String(args[0]?.url ?? args[0]).includes("/queue/data?")) return answer;
        const slow = new TransformStream({
            async transform(chunk, controller) {
                const ends = new TextDecoder().decode(chunk).includes("close_stream");
                if (ends) await new Promise((done) => setTimeout(done, 4000));
                controller.enqueue(chunk);
                if (ends) document.documentElement.dataset.ended = "";
            },
        });
        return new Response(answer.body.pipeThrough(slow), { headers: answer.headers });
    };
"""


def open_example(page, number):
    page.get_by_role("button", name=f"Example {number}: ").click()


def test_a_film_opened_while_the_end_of_the_stream_is_on_its_way_is_read(page):
    page.add_init_script(SLOW_END)
    page.reload()
    open_example(page, 1)
    expect_verdict_and_film(page)
    open_example(page, 2)  # accepted by the server before the end of the first answers arrives
    expect(page.locator("html")).to_have_attribute("data-ended", "")
    expect_verdict_and_film(page)


def test_a_film_opened_after_the_line_broke_is_read(page):
    page.route(ANSWERS, lambda route: route.abort(), times=1)
    with page.expect_event("load"):  # gradio loads the page again
        open_example(page, 1)
    open_example(page, 2)
    expect_verdict_and_film(page)
