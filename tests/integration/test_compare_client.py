"""The API of Compare, through gradio's client, with three models."""

from __future__ import annotations

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.fixtures.servers.app import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "IMG0000479.jpg"


@pytest.fixture(scope="module")
def client(app_of_three):
    """Connect a client to the app with three models."""
    return Client(app_of_three.url, verbose=False, analytics_enabled=False)


def test_two_models_give_two_readings_and_one_agreement(client):
    found = client.predict(handle_file(EXAMPLE), ["second", "first"], api_name="/compare")
    assert [reading["model"] for reading in found["readings"]] == ["first", "second"]
    assert len({reading["weights_sha256"] for reading in found["readings"]}) == 2
    assert len({reading["sha256"] for reading in found["readings"]}) == 1
    verdicts = {reading["verdict"] for reading in found["readings"]}
    assert found["verdicts_agree"] is (len(verdicts) == 1)
    assert found["peak"] == max(reading["heat_peak"] for reading in found["readings"])
    (pair,) = found["agreements"]
    assert pair["models"] == ["first", "second"]
    assert 0 <= pair["overlap"] <= 1
    assert pair["reason"] is None


def test_comparing_agrees_with_reading(client):
    found = client.predict(handle_file(EXAMPLE), ["first", "third"], api_name="/compare")
    alone = client.predict(handle_file(EXAMPLE), api_name="/read")
    assert found["readings"][0]["logit"] == pytest.approx(alone["logit"], abs=1e-6)


def test_three_models_give_three_agreements(client):
    models = ["first", "second", "third"]
    found = client.predict(handle_file(EXAMPLE), models, api_name="/compare")
    assert len(found["agreements"]) == 3


def test_one_model_is_refused_with_a_remedy(client, app_of_three):
    with pytest.raises(AppError, match="Choose two or more models; loaded: first, second, third"):
        client.predict(handle_file(EXAMPLE), ["first"], api_name="/compare")
    assert list(app_of_three.uploads.rglob("IMG*")) == []


def test_comparing_describes_its_inputs(client):
    api = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/compare"]
    assert [parameter["parameter_name"] for parameter in api["parameters"]] == ["film", "models"]
    assert api["parameters"][0]["python_type"]["type"] == "filepath"
    assert "'second'" in api["parameters"][1]["python_type"]["type"]
    assert "no medical device" in api["description"]
