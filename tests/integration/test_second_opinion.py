"""Second opinion: agreement of two models' maps, and maps removed for disagreement."""

import io
import json
from dataclasses import replace

import pypdf
import pytest
import torch

from bonefx.models.decision import decide, reading_at_point
from bonefx.models.measured_comparison import comparison_path
from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import at_point, second_model, with_second_opinion
from bonefx.records import Calibration, TrustLimits, Verdict
from bonefx.report import reading_table, report_bytes
from bonefx.report.compose import compose_report
from bonefx.report.wording.maps import map_words, trust_rows
from bonefx.report.wording.readings import ONE_ANSWER, second_model_words, verdict_words
from bonefx.web.shared.verdict_card import verdict_html
from tests.fixtures.evaluations import make_comparison, make_evaluation
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_measured_point, make_radiograph, make_reading

CALIBRATION = Calibration(method="platt", slope=1.0, intercept=0.0, n=100, split="val")
EASY = TrustLimits(peaks=(0.0,), border_share=1.0, marker_share=1.0, drop=-1e9, n=1)


@pytest.fixture
def pair(tmp_path):
    """Return two models whose maps differ, each with limits that every map passes."""
    folders = [
        make_model_folder(tmp_path, seed=seed, id=name) for seed, name in ((0, "a"), (1, "b"))
    ]
    loaded = [load_model(folder, device=torch.device("cpu")) for folder in folders]
    return [replace(own, manifest=replace(own.manifest, trust=EASY)) for own in loaded]


def write_limit(pair, least):
    manifests = [model.manifest for model in pair]
    table = make_comparison(manifests, maps={"n": 40, "median": 0.6, "least": least})
    path = comparison_path(pair[0].folder.parent, "a", "b")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(table))


def read(reader):
    film = make_radiograph()
    return with_second_opinion(reader, film, reader.read(film, model="a"))


def test_the_overlap_with_the_second_model_is_measured_and_shown(pair):
    reading = read(Reader(pair))
    agreement = reading.trust.agreement
    assert agreement.models == ("a", "b")
    assert 0 < agreement.overlap <= 1
    assert reading_table(reading)["trust"]["agreement"]["overlap"] == agreement.overlap
    text = dict(trust_rows(reading.trust))["Another model"]
    assert f"of a and b overlap by {100 * agreement.overlap:.0f} %" in text
    assert reading.heat is not None  # no limit was measured


@pytest.mark.parametrize(("student", "teacher"), [("a", "b"), ("b", "a")])
def test_agreement_of_a_distilled_model_with_its_teacher_is_marked(pair, student, teacher):
    (own,) = [model for model in pair if model.name == student]
    evaluation = make_evaluation(own.manifest, taught_by=teacher)
    (own.folder / "evaluation.json").write_text(json.dumps(evaluation))
    reading = read(Reader(pair))
    assert reading.trust.agreement.teacher_and_student
    assert "one of them learned from the other" in dict(trust_rows(reading.trust))["Another model"]
    assert reading_table(reading)["trust"]["agreement"]["teacher_and_student"]


def test_a_map_with_an_overlap_below_the_limit_is_not_drawn(pair):
    overlap = read(Reader(pair)).trust.agreement.overlap
    write_limit(pair, least=overlap + 0.01)
    reading = read(Reader(pair))
    assert reading.heat is None
    assert reading.probability is not None
    text = map_words(reading, shown=False, heat_floor=0.0)
    assert text.startswith("No reliable localisation, so no map. b points elsewhere")


def test_a_map_with_an_overlap_at_the_limit_is_drawn(pair):
    write_limit(pair, least=read(Reader(pair)).trust.agreement.overlap)
    reading = read(Reader(pair))
    assert reading.heat is not None
    assert reading.trust.failures == ()


def test_limits_measured_with_other_weights_are_ignored(pair):
    write_limit(pair, least=1.0)
    path = comparison_path(pair[0].folder.parent, "a", "b")
    path.write_text(path.read_text().replace(pair[1].manifest.sha256, "f" * 64))
    assert read(Reader(pair)).heat is not None


def test_a_model_with_a_caution_gives_no_second_opinion(pair):
    table = make_evaluation(pair[1].manifest, in_training=491)
    (pair[1].folder / "evaluation.json").write_text(json.dumps(table))
    reader = Reader(pair)
    assert second_model(reader, "a") is None
    assert second_model(reader, "b").name == "a"
    assert read(reader).trust.agreement is None


def test_a_single_model_has_no_agreement(pair):
    assert read(Reader(pair[:1])).trust.agreement is None


@pytest.mark.parametrize("kind", ["map", "no map"])
def test_the_second_verdict_stands_in_the_card_and_in_every_report(pair, kind):
    reader = Reader(pair)
    film = make_radiograph()
    reading = with_second_opinion(reader, film, reader.read(film, model="a", heat=kind == "map"))
    alone = reader.read(film, model="b", heat=False)
    assert (reading.second.model, reading.second.heat) == ("b", None)
    assert reading.second.verdict is alone.verdict
    assert reading.second.probability == pytest.approx(alone.probability, abs=1e-6)
    words = second_model_words(reading)
    assert f"b: {verdict_words(alone)[0]}" in words
    assert words in verdict_html(reading, pair[0].manifest.calibration)
    report = compose_report(film, reading, model=pair[0])
    pdf = pypdf.PdfReader(io.BytesIO(report_bytes(report, "pdf")))
    assert words in " ".join(pdf.pages[0].extract_text().split())
    table = json.loads(report_bytes(report, "json"))["reading"]["second_model"]
    assert (table["model"], table["verdict"]) == ("b", alone.verdict.value)
    assert table["disagrees"] is reading.models_disagree


@pytest.mark.parametrize(("other", "disagree"), [(0.9, False), (0.1, True)])
def test_two_verdicts_that_differ_are_marked(other, disagree):
    first, second = make_reading(probability=0.9), make_reading(model="b", probability=other)
    point = make_measured_point(threshold=0.5, review_band=(0.4, 0.6))
    first, second = (reading_at_point(reading, point) for reading in (first, second))
    both = replace(first, second=second)
    assert both.models_disagree is disagree
    assert ("disagree" in second_model_words(both)) is disagree
    assert ('class="second disagrees"' in verdict_html(both, CALIBRATION)) is disagree


@pytest.mark.parametrize("refused", ["first", "second"])
def test_a_model_that_gives_no_answer_does_not_disagree(refused):
    readings = {
        "first": make_reading(),
        "second": make_reading(model="b"),
        refused: make_reading(
            model="b" if refused == "second" else "tiny", verdict=Verdict.OUT_OF_SCOPE
        ),
    }
    both = replace(readings["first"], second=readings["second"])
    assert not both.models_disagree
    assert second_model_words(both).endswith(ONE_ANSWER)


def test_a_second_reading_is_of_the_same_film():
    with pytest.raises(ValueError, match="same film"):
        make_reading(second=make_reading(radiograph_sha256="00" * 32))


def test_another_operating_point_decides_both_verdicts(pair):
    reader = Reader(pair)
    strict = at_point(reader, read(reader), "specific")
    assert (strict.point.name, strict.second.point.name) == ("specific", "specific")
    for reading in (strict, strict.second):
        assert reading.verdict is decide(reading.probability, reading.point)


def test_a_point_that_the_second_model_lacks_is_its_default_there(pair):
    points = tuple(p for p in pair[1].manifest.operating_points if p.name != "specific")
    poorer = replace(pair[1], manifest=replace(pair[1].manifest, operating_points=points))
    strict = at_point(reader := Reader([pair[0], poorer]), read(reader), "specific")
    assert (strict.point.name, strict.second.point.name) == ("specific", "balanced")


def test_a_missing_map_of_the_second_model_gives_a_reason(pair):
    silent = replace(pair[1], manifest=replace(pair[1].manifest, heat_floor=1e9))
    reading = read(Reader([pair[0], silent]))
    assert reading.trust.agreement.overlap is None
    assert "b has no map" in dict(trust_rows(reading.trust))["Another model"]
    assert reading.heat is not None
