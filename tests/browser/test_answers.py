"""Every event is answered: none is lost between the end of a stream of answers and the next one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bonefx.web.html_pages import ASSETS_FOLDER
from tests.browser.helpers import expect_verdict_and_film, new_page

SHIPPED = pytest.mark.parametrize("app", ["shipped"], indirect=True)
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


@SHIPPED
def test_a_film_opened_while_the_end_of_the_stream_is_on_its_way_is_read(page):
    page.add_init_script(SLOW_END)
    page.reload()
    open_example(page, 1)
    expect_verdict_and_film(page)
    open_example(page, 2)  # accepted by the server before the end of the first answers arrives
    expect(page.locator("html")).to_have_attribute("data-ended", "")
    expect_verdict_and_film(page)


@SHIPPED
def test_a_film_opened_after_the_line_broke_is_read(page):
    page.route(ANSWERS, lambda route: route.abort(), times=1)
    with page.expect_event("load"):  # gradio loads the page again
        open_example(page, 1)
    open_example(page, 2)
    expect_verdict_and_film(page)


STAND_IN = """() => {  // a server whose stream of answers comes in pieces of so many bytes
    window.answers = [];  // lines that the connection sends
    const pause = () => new Promise((done) => setTimeout(done, 20));
    window.fetch = async (request) => {
        const address = String(request.url ?? request), id = address.split("=").pop();
        if (address.includes("/join?")) return Response.json({ event_id: id });
        while (!window.answers.length) await pause();
        const bytes = new TextEncoder().encode(window.answers.splice(0).join(""));
        return new Response(new ReadableStream({
            start(controller) {
                for (let at = 0; at < bytes.length; at += window.piece)
                    controller.enqueue(bytes.slice(at, at + window.piece));
                controller.close();
            },
        }));
    };
}"""
LISTEN = """async () => {
    window.heard = "";
    const answer = await fetch(new Request("http://a/gradio_api/queue/data?session_hash=x"));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    (async () => { for (;;) window.heard += (await reader.read()).value; })();
}"""
JOIN = """([id, lines]) => {
    window.answers.push(...lines);
    return fetch("http://a/gradio_api/queue/join?id=" + id);
}"""


def answer_of(name):
    return f'data: {{"msg":"process_completed","event_id":"{name}","output":{{"data":["é"]}}}}\n\n'


END = 'data: {"msg":"close_stream","event_id":null}\n\n'


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_each_event_is_answered_once_however_the_stream_is_cut(chromium, piece):
    page = new_page(chromium)
    page.route("http://a/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    page.goto("http://a/")
    page.evaluate(STAND_IN)
    page.evaluate(f"window.piece = {piece}")
    page.evaluate((ASSETS_FOLDER / "js" / "answers.js").read_text())
    page.evaluate(JOIN, ["one", [answer_of("one"), END]])
    page.evaluate(LISTEN)
    page.wait_for_function("window.heard.includes('one')")
    page.evaluate(JOIN, ["two", [answer_of("two"), END]])
    page.wait_for_function("window.heard.includes('two')")
    page.evaluate(JOIN, ["three", [END]])  # accepted while the end was on its way: asked again
    page.evaluate("lines => window.answers.push(...lines)", [answer_of("three"), END])
    page.wait_for_function("window.heard.includes('three')")
    heard = [line for line in page.evaluate("window.heard").split("\n") if line]
    assert heard == [answer_of(name).strip() for name in ("one", "two", "three")]
    page.context.close()
