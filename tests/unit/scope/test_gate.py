"""Scope gate: a film out of scope has only its refusal; what cannot be checked is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bonefx.cli.parser import main
from bonefx.errors import SettingsError, WeightsError
from bonefx.models.networks import compute_signatures
from bonefx.models.registry import load_model
from bonefx.reading.comparison import compare_readings
from bonefx.reading.reader import Reader
from bonefx.records import (
    NOT_EDITED,
    ReasonCode,
    RegionFigures,
    RegionSource,
    Verdict,
    Window,
    invert_radiograph,
)
from bonefx.report import json_bytes, reading_table, report_bytes
from bonefx.report.compose import compose_report
from bonefx.report.wording.maps import agreement_words
from bonefx.report.wording.readings import region_words
from bonefx.report.wording.reasons import reason_text
from bonefx.scope import gate
from bonefx.scope.body_parts import with_named_region
from bonefx.scope.gate import find_refusals
from bonefx.scope.rules import measure_grey_levels
from bonefx.scope.statistics import REGIONS
from tests.fixtures.image_files import make_pixels, make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph, make_reading
from tests.fixtures.scopes import make_narrow_scope

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_model_folder(tmp_path_factory.mktemp("weights"), scope=make_narrow_scope())


@pytest.fixture(scope="module")
def reader(folder):
    return Reader([load_model(folder, device=CPU)])


def photograph():
    """Return a bright, noisy picture."""
    pixels = np.random.default_rng(0).random((120, 96), np.float32)
    return make_radiograph(pixels=pixels)


def has_only_a_refusal(reading):
    evidence = (reading.probability, reading.logit, reading.heat, reading.heat_peak, reading.trust)
    return reading.verdict is Verdict.OUT_OF_SCOPE and reading.reason and set(evidence) == {None}


def test_a_film_in_scope_is_read_and_an_intruder_beside_it_is_refused(reader):
    film, intruder = reader.read_batch([make_radiograph(), photograph()])
    assert film.probability is not None
    assert film.heat is not None
    assert has_only_a_refusal(intruder)
    assert not intruder.looks_inverted


def test_an_intruder_does_not_change_the_film_beside_it(reader):
    alone = reader.read(make_radiograph())
    _, beside = reader.read_batch([photograph(), make_radiograph()])
    assert beside.logit == pytest.approx(alone.logit, abs=1e-4)
    assert np.allclose(beside.heat, alone.heat, atol=1e-4)


def test_an_inverted_film_is_refused_and_read_after_inverting(reader):
    film = make_radiograph()
    dark = invert_radiograph(film)
    as_it_came = replace(dark, edit=NOT_EDITED)
    refused = reader.read(as_it_came)
    assert has_only_a_refusal(refused)
    assert refused.looks_inverted
    assert refused.reason.code is ReasonCode.LOOKS_INVERTED
    assert "--invert" in reason_text(refused.reason)
    again = reader.read(invert_radiograph(as_it_came))
    assert again.inverted
    assert again.radiograph_sha256 == refused.radiograph_sha256
    assert again.logit == pytest.approx(reader.read(film).logit, abs=0.05)


def test_a_film_inverted_by_the_user_is_not_offered_for_inverting_again(reader):
    refused = reader.read(invert_radiograph(make_radiograph()))
    assert has_only_a_refusal(refused)
    assert not refused.looks_inverted
    assert refused.reason.code is ReasonCode.INVERTED_BY_USER
    assert "read as it is" in reason_text(refused.reason)
    assert "--invert" not in reason_text(refused.reason)


def test_gate_and_training_refuse_the_same_pictures(reader):
    """The card's shares are computed on arrays by the training module, not film by film."""
    model = reader.models[0]
    films = [make_radiograph(), photograph(), invert_radiograph(make_radiograph())]
    films += [make_radiograph(pixels=np.full((90, 80), level, np.float32)) for level in (0.0, 0.5)]
    signatures = compute_signatures(model.network, films, model.manifest.preprocess)
    measures = np.array([measure_grey_levels(film.pixels) for film in films])
    refusals = find_refusals(model.scope, films, signatures)
    one_by_one = [found is not None for found in refusals]
    assert model.scope.refuses(signatures, measures).tolist() == one_by_one
    assert one_by_one[:2] == [False, True]


@pytest.fixture(scope="module")
def reader_with_regions(reader):
    """Return a reader whose model recognises body regions."""
    (model,) = reader.models
    weights = np.full_like(model.scope.region_weights, 0.01)
    return Reader([replace(model, scope=replace(model.scope, region_weights=weights))])


@pytest.mark.parametrize(
    "part",
    [
        "CHEST",
        "SKULL",
        "LSPINE",
        "C SPINE",
        "C_SPINE",
        "LUMBAR SPINE",
        "THORAX",
        "RIBS",
        "CHEST_PA",
        "JAW",
        "ABDOMENPELVIS",
    ],
)
def test_a_film_whose_header_names_another_body_part_is_refused(reader_with_regions, part):
    refused = reader_with_regions.read(make_radiograph(body_part=part))
    assert has_only_a_refusal(refused)
    assert (refused.reason.code, refused.reason.name) == (ReasonCode.BODY_PART, part)
    text = reason_text(refused.reason)
    assert part in text
    assert "hand, leg, hip, shoulder" in text
    assert "corrected" in text  # headers can be wrong
    assert not refused.looks_inverted


@pytest.mark.parametrize(
    "part", ["HAND", "EXTREMITY", "PELVIS", "FEMORAL HEAD", "CLAVICLE", "SCAPULA", "NEW", None]
)
def test_a_film_of_a_limb_or_without_a_body_part_is_checked_by_its_pixels(
    reader_with_regions, part
):
    assert reader_with_regions.read(make_radiograph(body_part=part)).probability is not None


@pytest.mark.parametrize(
    ("part", "regions"),
    [
        ("HAND", ("hand",)), ("PELVIS", ("hip",)), ("TIBIA AND FIBULA", ("leg",)),
        ("SHOULDER / HUMERUS", ("shoulder", "humerus")), ("CLAVICLE", ("shoulder",)),
    ],
)  # fmt: skip
def test_the_header_names_the_region_before_the_pixels_do(reader_with_regions, part, regions):
    reading = reader_with_regions.read(make_radiograph(body_part=part))
    assert reading.regions == regions
    assert reading.region_source is RegionSource.HEADER
    assert reading_table(reading)["region_source"] == "header"
    for words, region in zip(region_words(reading), regions, strict=True):
        assert words.startswith(f"{region.capitalize()}, by the film's header: ")


def test_no_region_is_named_where_the_header_names_one_that_the_model_does_not_know(reader):
    (model,) = reader.models
    weights = np.zeros_like(model.scope.region_weights)
    weights[REGIONS.index("hand")] = 0.01
    knows_hands = Reader([replace(model, scope=replace(model.scope, region_weights=weights))])
    reading = knows_hands.read(make_radiograph(body_part="WRIST"))
    assert reading.regions == ()
    assert knows_hands.read(make_radiograph(body_part="HAND")).regions == ("hand",)


@pytest.mark.parametrize("part", ["HAND", None])
def test_the_user_names_the_region_before_the_header_does(reader_with_regions, part):
    read = reader_with_regions.read(make_radiograph(body_part=part))
    reading = with_named_region(read, "elbow")
    assert reading.regions == ("elbow",)
    assert reading.region_source is RegionSource.USER
    figures = RegionFigures(region="hand", sensitivity=None, specificity=None)
    measured = replace(reading, point=replace(reading.point, by_region=(figures,)))
    assert region_words(measured)[0].startswith("Elbow, as chosen by the reader: too few")
    assert with_named_region(read, "") is read


def test_a_region_that_the_user_names_admits_no_film_of_the_chest(reader_with_regions):
    refused = reader_with_regions.read(make_radiograph(body_part="CHEST"))
    assert with_named_region(refused, "hand") is refused


def test_no_films_are_counted_where_no_region_was_measured():
    reading = make_reading(regions=("hand",))
    assert region_words(reading) == ["Hand: the model was not measured by body region."]


def test_a_name_that_is_no_region_is_refused_with_those_that_are():
    with pytest.raises(SettingsError, match="'chest' is no body region; use hand, leg"):
        with_named_region(make_reading(), "chest")


@pytest.mark.parametrize("part", ["EXTREMITY", "FEMORAL HEAD", "NEW", None])
def test_a_header_that_names_no_region_leaves_it_to_the_pixels(reader_with_regions, part):
    reading = reader_with_regions.read(make_radiograph(body_part=part))
    plain = reader_with_regions.read(make_radiograph())
    assert (reading.regions, reading.region_source) == (plain.regions, RegionSource.MODEL)


def test_a_model_without_regions_ignores_the_body_part(reader):
    assert reader.read(make_radiograph(body_part="CHEST")).probability is not None


def test_inverting_a_film_inverts_values_and_windows_too():
    full = make_pixels()
    film = make_radiograph(full=full, windows=(Window(name="bone", low=0.2, high=0.7),))
    inverted = invert_radiograph(film)
    assert np.allclose(inverted.values, 1 - full)
    (window,) = inverted.windows
    assert (window.low, window.high) == pytest.approx((0.3, 0.8))
    assert np.allclose(invert_radiograph(inverted).pixels, film.pixels, atol=1e-6)
    assert not invert_radiograph(inverted).inverted


def test_a_model_without_a_scope_reads_no_film(tmp_path):
    model = load_model(make_model_folder(tmp_path, scope=None), device=CPU)
    reading = Reader([replace(model, scope=None)]).read(make_radiograph())
    assert has_only_a_refusal(reading)
    assert "carries no scope" in reason_text(reading.reason)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_signature_that_is_not_a_number_is_out_of_scope(reader, value):
    model = reader.model()
    signatures = np.zeros((1, model.scope.mean.size), np.float32)
    signatures[0, 7] = value
    (entry,) = gate.check_scope(
        model.scope,
        [make_radiograph()],
        signatures,
        signatures_of=model.signatures,
    )
    assert entry.refusal.code is ReasonCode.UNLIKE_TRAINING_FILMS


def test_a_scope_of_another_network_refuses_every_film(reader):
    model = reader.models[0]
    wrong = replace(
        model.scope,
        mean=model.scope.mean[:9],
        scale=model.scope.scale[:9],
        intruder_weights=model.scope.intruder_weights[:9],
    )
    reading = Reader([replace(model, scope=wrong)]).read(make_radiograph())
    assert has_only_a_refusal(reading)
    assert reading.reason.code is ReasonCode.SCOPE_CHECK_FAILED


def test_a_fault_of_the_gate_refuses_every_film(reader, monkeypatch):
    def fails(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(gate, "measure_grey_levels", fails)
    for reading in reader.read_batch([make_radiograph(), photograph()]):
        assert has_only_a_refusal(reading)
        assert reading.reason.code is ReasonCode.SCOPE_CHECK_FAILED


def test_pixels_that_are_not_numbers_are_refused(reader):
    assert has_only_a_refusal(
        reader.read(make_radiograph(pixels=np.full((100, 100), np.nan, np.float32)))
    )


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_model_with_a_missing_or_changed_scope_file_is_not_loaded(tmp_path, damage):
    folder = make_model_folder(tmp_path)
    path = folder / "scope.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink() if damage == "missing" else path.write_bytes(bytes(content))
    with pytest.raises(WeightsError, match=r"scope\.safetensors.*fetch the model again"):
        load_model(folder, device=CPU)


@pytest.mark.parametrize("form", ["pdf", "png", "json"])
def test_a_report_of_a_refused_film_has_its_reason_and_no_figure(reader, form):
    film = photograph()
    report = compose_report(film, reader.read(film), model=reader.model())
    assert report.overlay is None
    assert report_bytes(report, form)
    table = json.loads(json_bytes(report))
    assert table["reading"]["verdict"] == "out_of_scope"
    assert table["reading"]["reason"].startswith("This picture")
    assert table["reading"]["reason_code"] in set(ReasonCode)
    assert table["reading"]["reason_value"] != table["reading"]["reason_limit"]
    for name in ("probability", "logit", "heat_peak", "trust", "regions"):
        assert table["reading"][name] is None


def test_refused_readings_can_be_compared(tmp_path):
    folders = [
        make_model_folder(tmp_path, id=name, seed=seed, scope=make_narrow_scope())
        for seed, name in enumerate(("first", "second"))
    ]
    both = Reader([load_model(folder, device=CPU) for folder in folders])
    film = photograph()
    found = compare_readings([both.read(film, model=model.name) for model in both.models])
    assert found.peak is None
    assert "gives no answer about this film" in agreement_words(found.agreements[0])


def test_the_command_line_refuses_an_inverted_film_and_reads_it_when_asked(
    folder, tmp_path, capsys
):
    import cv2

    bytes_ = np.frombuffer(make_png(), np.uint8)
    path = tmp_path / "film.png"
    cv2.imwrite(str(path), 255 - cv2.imdecode(bytes_, cv2.IMREAD_GRAYSCALE))
    common = ["--weights", str(folder.parent), "--device", "cpu"]
    for command in ("read", "worklist"):
        assert main([command, str(path), *common]) == 0
        refused = json.loads(capsys.readouterr().out)
        assert refused["verdict"] == "out_of_scope"
        assert refused["probability"] is None
        assert "--invert" in refused["reason"]
        assert main([command, str(path), "--invert", *common]) == 0
        assert json.loads(capsys.readouterr().out)["probability"] is not None
    out = ["--out", str(tmp_path / "out"), "--forms", "json"]
    assert main(["report", str(path), "--invert", *out, *common]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["inverted"]
    report = json.loads((tmp_path / "out").glob("*.json").__next__().read_text())
    assert "swapped" in report["film"]["Changes"]
