"""SIGTERM: films in progress are finished, new ones refused with a sentence, the code is 0."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fixtures.image_files import make_png
from tests.fixtures.servers.calls import answer_of, break_off, start_call, upload

FILMS = 20
PATIENCE_S = 120
SIZE = 1400


@pytest.fixture
def films():
    return [make_png(SIZE, SIZE, seed=seed) for seed in range(4)]


def start_worklist(app, films):
    """Upload many films, and start to read them; returns the address of the answer."""
    paths = [upload(app.url, "Miller.png", films[n % len(films)]) for n in range(FILMS)]
    address = start_call(app.url, "worklist", paths)
    deadline = time.monotonic() + PATIENCE_S
    while not any(app.lists):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return address


def wait_for_health(app, status):
    deadline = time.monotonic() + PATIENCE_S
    while httpx.get(f"{app.url}/healthz", timeout=PATIENCE_S).json()["status"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_films_in_progress_are_finished_and_new_ones_refused_with_a_sentence(start, films):
    app, process = start(BONEFX_STOP_S="100")
    with ThreadPoolExecutor(1) as pool:
        address = start_worklist(app, films)
        answer = pool.submit(answer_of, address)
        process.send_signal(signal.SIGTERM)
        wait_for_health(app, "stopping")
        assert httpx.get(f"{app.url}/healthz").status_code == 503
        refused = httpx.post(f"{app.url}/gradio_api/upload", files={"files": films[0]})
        page = httpx.get(app.url)
        name, content = answer.result(timeout=PATIENCE_S)
    assert (refused.status_code, page.status_code) == (503, 503)
    assert "bonefx is stopping and takes no new films" in refused.json()["detail"]
    assert "bonefx is stopping" in page.text
    assert refused.headers["retry-after"] == "60"
    assert name == "complete"
    assert content.count('"verdict"') >= FILMS
    assert process.wait(timeout=PATIENCE_S) == 0
    assert list(app.uploads.iterdir()) == []
    assert "Traceback" not in app.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_films_that_take_longer_than_the_limit_are_given_up_in_order(start, films, number):
    app, process = start(BONEFX_STOP_S="0")
    connection = break_off(app.url, "Miller.png", films[0])
    start_worklist(app, films)
    process.send_signal(number)
    assert process.wait(timeout=PATIENCE_S) == 0
    connection.close()
    assert list(app.uploads.iterdir()) == []
    assert "Miller" not in app.log.read_text()


def test_an_idle_app_with_an_open_page_ends_at_once_with_code_0(start):
    app, process = start()
    with httpx.stream("GET", f"{app.url}/gradio_api/heartbeat/session", timeout=PATIENCE_S) as page:
        next(page.iter_raw())
        process.terminate()
        assert process.wait(timeout=PATIENCE_S) == 0
    assert list(app.uploads.iterdir()) == []
