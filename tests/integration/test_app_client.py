"""The API of Read, through gradio's client."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, find_free_port

EXAMPLE = REPOSITORY / "examples" / "IMG0000479.jpg"


@pytest.fixture(scope="module")
def client(app):
    """Connect a client to the running app."""
    return Client(app.url, verbose=False, analytics_enabled=False)


def test_reading_returns_typed_values(client):
    reading = client.predict(film=handle_file(EXAMPLE), point="screening", api_name="/read")
    assert set(reading) == {
        "sha256", "model", "weights_sha256", "verdict", "reason", "reason_code",
        "reason_value", "reason_limit", "probability", "logit", "point",
        "threshold", "review_band", "heat_peak", "trust", "findings", "caution", "inverted",
        "looks_inverted",
        "outside_scope", "mirrored", "turned_degrees", "crop",
        "exposed_field", "exposed_field_corners", "film_notes",
        "regions", "region_notes", "region_source", "second_model", "other_hospitals",
        "device", "elapsed_s",
    }  # fmt: skip
    assert reading["verdict"] in {"fracture", "no_fracture", "review"}
    assert 0 <= reading["probability"] <= 1
    low, high = reading["review_band"]
    assert low <= reading["threshold"] <= high
    assert reading["point"] == "screening"
    assert len(reading["weights_sha256"]) == 64
    assert reading["heat_peak"] >= 0
    assert reading["elapsed_s"] > 0


def test_one_film_gives_the_same_reading_twice(client):
    first, second = (client.predict(handle_file(EXAMPLE), api_name="/read") for _ in range(2))
    assert first["logit"] == pytest.approx(second["logit"], abs=1e-6)


def test_only_reading_is_public_and_describes_its_inputs(client):
    api = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == {"/read", "/compare", "/worklist"}
    assert api["unnamed_endpoints"] == {}
    read = api["named_endpoints"]["/read"]
    names = [parameter["parameter_name"] for parameter in read["parameters"]]
    assert names == [
        "film",
        "point",
        "invert",
        "turn",
        "mirror",
        "crop",
        "outside_scope",
        "damaged",
        "region",
    ]
    assert read["parameters"][0]["python_type"]["type"] == "filepath"
    assert "'screening', 'balanced'" in read["parameters"][1]["python_type"]["type"]
    assert "not a medical device" in read["description"]


def test_a_broken_film_is_refused_with_a_message(client, tmp_path):
    broken = tmp_path / "film.dcm"
    broken.write_bytes(b"no film at all")
    with pytest.raises(AppError, match=r"The file is not an image; use PNG, JPEG"):
        client.predict(handle_file(broken), api_name="/read")


def test_a_path_on_the_server_is_not_read(app):
    stolen = {"path": str(EXAMPLE), "meta": {"_type": "gradio.FileData"}}
    call = f"{app.url}/gradio_api/call/read"
    data = [stolen, "balanced", False, 0, False, None, False, False, ""]
    event = httpx.post(call, json={"data": data}).json()["event_id"]
    told = httpx.get(f"{call}/{event}").text
    assert told.startswith("event: error")
    assert EXAMPLE.is_file()


@pytest.mark.parametrize("path", ["/monitoring", "/gradio_api/monitoring", "/gradio_api/runs"])
def test_results_of_other_users_cannot_be_read(app, path):
    assert httpx.get(app.url + path).status_code >= 400


def test_privacy_settings_apply_to_the_page(client):
    assert client.config["analytics_enabled"] is False
    assert client.config["run_history"] is False
    assert client.config["show_error"] is False
    assert client.config["footer_links"] == []


def failing_start(**settings):
    return subprocess.run(
        [sys.executable, "app.py"], cwd=REPOSITORY, env=os.environ | settings, timeout=120,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_start_without_models_ends_with_a_message(tmp_path):
    ended = failing_start(BONEFX_WEIGHTS=str(tmp_path), BONEFX_PORT=str(find_free_port()))
    assert ended.returncode == 4
    assert ended.stderr.startswith("bonefx: no model is loaded")
    assert "Traceback" not in ended.stderr


def test_a_start_at_a_taken_port_ends_with_a_message(app, tmp_path):
    make_model_folder(tmp_path)
    port = app.url.rpartition(":")[2]
    ended = failing_start(BONEFX_WEIGHTS=str(tmp_path), BONEFX_PORT=port)
    assert ended.returncode == 2
    assert "choose another port or address" in ended.stderr
    assert "Traceback" not in ended.stderr
