"""Log lines and faults: with a reference, without what a foreign exception quotes."""

import asyncio
import json
import logging
import sys
from types import SimpleNamespace

import gradio as gr
import pytest

from bonefx.process.logs import JsonLines, TextLines
from bonefx.web.service.faults import LoggedBlocks
from bonefx.web.service.full_queue import FullQueueMiddleware
from bonefx.web.service.request_log import REQUEST_ID

FILM = "/uploads/Miller_Anna.png"


def record_of(error):
    try:
        raise RuntimeError("while reading") from error
    except RuntimeError:
        info = sys.exc_info()
    record = logging.LogRecord("bonefx", logging.ERROR, __file__, 1, "failed", None, info)
    record.request_id = "3f2a9c00"
    return record


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_a_line_names_the_kinds_of_exceptions_and_their_places_but_not_their_messages(formatter):
    line = formatter.format(record_of(FileNotFoundError(f"no file {FILM}")))
    assert "Miller" not in line
    for part in ("failed", "3f2a9c00", "RuntimeError", "FileNotFoundError", "test_logs.py"):
        assert part in line


def test_a_json_line_is_one_line_with_time_level_and_reference():
    line = JsonLines().format(record_of(ValueError("x")))
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["level"], fields["message"]) == ("error", "failed")
    assert (fields["error"], fields["request_id"]) == ("RuntimeError", "3f2a9c00")
    assert fields["time"].endswith("+00:00")


ASKED = SimpleNamespace(  # what gradio passes as the request of an event
    session_hash="session", request=SimpleNamespace(scope={REQUEST_ID: "3f2a9c00"})
)


def fail(with_error):
    """Let a handler fail, and return what its user is told."""

    def handler():
        raise with_error

    with LoggedBlocks() as page:
        gr.Button().click(handler)
    with pytest.raises(gr.Error) as told:
        asyncio.run(page.process_api(0, [], request=ASKED))
    return told.value


def test_a_fault_is_told_with_the_reference_of_its_log_line_and_without_details(caplog):
    told = fail(OSError(FILM))
    assert "fault in bonefx" in told.message
    assert told.message.endswith("Reference 3f2a9c00.")
    assert not told.print_exception
    assert "Miller" not in told.message
    assert caplog.records[-1].request_id == "3f2a9c00"


def test_an_error_for_the_user_keeps_its_words_and_stays_out_of_the_log(caplog):
    told = fail(gr.Error("The film is empty."))
    assert told.message == "The film is empty."
    assert not told.print_exception
    assert caplog.records == []


def test_a_full_queue_refuses_films_with_the_number_that_wait():
    sent = []

    async def app(scope, receive, send):
        sent.append("answered")

    async def send(message):
        sent.append(message)

    guarded = FullQueueMiddleware(app, waiting=lambda: 50, most=50)
    for path in ("/gradio_api/queue/join", "/gradio_api/cancel"):
        asyncio.run(guarded({"type": "http", "method": "POST", "path": path}, None, send))
    start, body, last = sent
    assert start["status"] == 429
    assert b"50 requests are waiting to be read" in body["body"]
    assert last == "answered"
