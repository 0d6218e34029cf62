"""Figures of a running app for Prometheus, and those of validation films from shipped models."""

from __future__ import annotations

import signal

import httpx
import pytest
import torch
from prometheus_client.parser import text_string_to_metric_families

from bonefx.models.registry import load_model, model_ids
from bonefx.web.metrics import watch_of
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import SHIPPED_WEIGHTS, find_free_port
from tests.fixtures.servers.calls import TIMEOUT_S, answer_of, start_call, upload

NAME = "Miller_Anna.png"


def figures_at(port):
    """Return the values of all figures by name and labels."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S).text
    assert NAME not in text
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_readings_and_requests_are_counted_at_an_address_of_their_own(start):
    port = find_free_port()
    app, process = start(BONEFX_METRICS=f"127.0.0.1:{port}")
    before = figures_at(port)
    assert not [key for key in before if key[0] == "bonefx_readings_total"]
    path = upload(app.url, NAME, make_png(120, 96))
    event, _ = answer_of(start_call(app.url, "read", [path]))
    assert event == "complete"
    after = figures_at(port)
    readings = [value for key, value in after.items() if key[0] == "bonefx_readings_total"]
    assert sum(readings) == 1.0
    uploads = ("bonefx_request_seconds_count", ("route", "/gradio_api/upload"), ("status", "200"))
    assert after[uploads] == 1.0
    assert after["bonefx_requests_waiting",] == 0.0
    assert httpx.get(f"{app.url}/metrics", timeout=TIMEOUT_S).status_code == 404
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=TIMEOUT_S) == 0


@pytest.mark.parametrize("name", model_ids(SHIPPED_WEIGHTS))
def test_shipped_models_tell_the_shares_of_their_validation_films(name):
    watch = watch_of(load_model(SHIPPED_WEIGHTS / name, device=torch.device("cpu")))
    assert list(watch.thresholds) == sorted(watch.thresholds)
    assert list(watch.expected) == sorted(watch.expected, reverse=True)
    assert all(0 < share < 1 for share in watch.expected)
