"""From the stop signal to the end: who is still answered, and for how long."""

import asyncio

import pytest

from bonefx.process.signals import SignalCount
from bonefx.web.service.lifecycle import Lifecycle, LifecycleMiddleware, State


def status_of(lifecycle, method, path):
    """Ask an app inside of the middleware, and return the status of its answer."""
    statuses = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(LifecycleMiddleware(app, lifecycle)(scope, None, send))
    return statuses[0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 503), ("POST", "/gradio_api/upload", 503),
        ("POST", "/gradio_api/queue/join", 503), ("POST", "/gradio_api/call/read", 503),
        ("POST", "/gradio_api/mcp", 503), ("POST", "/login", 503),
        ("GET", "/gradio_api/queue/data", 200), ("GET", "/gradio_api/call/read/3f2a", 200),
        ("POST", "/gradio_api/cancel", 200), ("GET", "/assets/index.js", 200),
    ],
)  # fmt: skip
def test_once_the_app_stops_only_what_belongs_to_earlier_requests_is_answered(method, path, status):
    lifecycle = Lifecycle()
    lifecycle.state = State.SERVING
    assert status_of(lifecycle, method, path) == 200
    lifecycle.state = State.STOPPING
    assert status_of(lifecycle, method, path) == status
    assert lifecycle.open_requests == 0


def test_the_app_waits_until_nothing_is_read():
    lifecycle, polls = Lifecycle(), iter([True, True, False])
    finished = lifecycle.finish(lambda: next(polls, False), limit_s=60, hurry=SignalCount())
    assert finished
    assert lifecycle.state is State.STOPPING
    assert list(polls) == []


def test_the_app_waits_no_longer_than_its_limit():
    assert not Lifecycle().finish(lambda: True, limit_s=0, hurry=SignalCount())


def test_a_second_signal_ends_the_waiting():
    hurry = SignalCount()
    hurry.add()
    hurry.add()
    assert not Lifecycle().finish(lambda: True, limit_s=3600, hurry=hurry)


def test_an_open_request_counts_and_the_heartbeat_of_a_page_does_not():
    lifecycle, open_during = Lifecycle(), {}

    async def app(scope, receive, send):
        open_during[scope["path"]] = lifecycle.open_requests

    paths = ["/gradio_api/upload", "/gradio_api/heartbeat/session"]
    for path in paths:
        scope = {"type": "http", "method": "GET", "path": path}
        asyncio.run(LifecycleMiddleware(app, lifecycle)(scope, None, None))
    assert open_during == {paths[0]: 1, paths[1]: 0}
