"""Figures for Prometheus: what is counted, how drift is told, and that nothing names a film."""

from dataclasses import replace

import pytest
from prometheus_client import generate_latest

from bonefx.errors import SettingsError
from bonefx.records import FilmEdit, Reason, ReasonCode, Verdict
from bonefx.web.metrics import FEWEST, DriftWatch, ServiceMetrics
from bonefx.web.server_settings import server_settings
from tests.fixtures.records import make_reading


def reading_of(film, probability):
    return replace(make_reading(), radiograph_sha256=f"{film:064}", probability=probability)


def watch_films(count, probability):
    watch = DriftWatch(thresholds=[0.1, 0.5], expected=[0.4, 0.2])
    for film in range(count):
        watch.add(reading_of(film, probability))
    return watch


def test_the_drift_is_the_largest_difference_from_validation():
    assert watch_films(FEWEST, 0.3).drift() == pytest.approx(0.6)  # 1.0 against 0.4
    assert watch_films(FEWEST, 0.05).drift() == pytest.approx(0.4)  # 0.0 against 0.4
    like_validation = DriftWatch(thresholds=[0.1, 0.5], expected=[0.4, 0.2])
    for film in range(100):
        like_validation.add(reading_of(film, (0.05, 0.05, 0.05, 0.3, 0.5)[film % 5]))
    assert like_validation.drift() == pytest.approx(0.0)


def test_few_films_tell_no_drift():
    assert watch_films(FEWEST - 1, 0.3).drift() != watch_films(FEWEST - 1, 0.3).drift()  # NaN


def test_a_film_counts_once_however_often_it_is_read():
    watch = DriftWatch(thresholds=[0.1], expected=[0.4])
    for reading in (reading_of(1, 0.3), reading_of(1, 0.3), reading_of(2, 0.3)):
        watch.add(reading)
    assert watch.films == 2
    watch.add(replace(reading_of(1, 0.3), edit=FilmEdit(mirrored=True)))
    assert watch.films == 3


def test_answers_refusals_and_requests_are_counted_without_names():
    metrics = ServiceMetrics()
    fracture = replace(make_reading(), model="one", verdict=Verdict.FRACTURE)
    refused = replace(
        fracture,
        verdict=Verdict.OUT_OF_SCOPE, probability=None, logit=None, heat=None, heat_peak=None,
        trust=None, regions=None, reason=Reason(code=ReasonCode.BODY_PART, name="CHEST"),
    )  # fmt: skip
    for reading in (fracture, fracture, refused):
        metrics.add_reading(reading)
    metrics.add_request("/gradio_api/upload", 200, 0.2)
    metrics.add_request("/Miller_Anna.png", 404, 0.2)
    metrics.add_request("/gradio_api/queue/data", 200, 0.2)
    shown = generate_latest(metrics.registry).decode()
    for line in (
        'bonefx_readings_total{model="one",verdict="fracture"} 2.0',
        'bonefx_readings_total{model="one",verdict="out_of_scope"} 1.0',
        'bonefx_refusals_total{model="one",reason="body_part"} 1.0',
        'bonefx_reading_seconds_count{model="one"} 3.0',
        'bonefx_request_seconds_count{route="/gradio_api/upload",status="200"} 1.0',
        'bonefx_request_seconds_count{route="/gradio_api/queue",status="200"} 1.0',
        'bonefx_request_seconds_count{route="other",status="404"} 1.0',
    ):
        assert line in shown
    assert "Miller" not in shown
    assert fracture.radiograph_sha256 not in shown


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:9464", ("::1", 9464))],
)
def test_the_address_of_the_figures_is_an_address_and_a_port(text, address):
    assert server_settings({"BONEFX_METRICS": text}).metrics == address


@pytest.mark.parametrize("text", ["1", "", "9464", ":9464", "127.0.0.1:", "127.0.0.1:99999"])
def test_another_value_is_refused(text):
    with pytest.raises(SettingsError, match=r"BONEFX_METRICS is .* such as 127\.0\.0\.1:9464"):
        server_settings({"BONEFX_METRICS": text})


def test_figures_at_an_address_that_others_reach_need_a_permission():
    environment = {"BONEFX_METRICS": "0.0.0.0:9464", "BONEFX_AUTH": "anna:geheim"}
    with pytest.raises(SettingsError, match=r"BONEFX_METRICS 0\.0\.0\.0 can be reached"):
        server_settings(environment)
    assert server_settings(environment | {"BONEFX_ALLOW_PUBLIC": "1"}).metrics is not None
