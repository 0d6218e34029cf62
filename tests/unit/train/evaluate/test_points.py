"""Operating points: verdicts with the review band, and bands chosen again from logits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.records.evaluation import EVALUATION
from bonefx.schema import dump_record
from tests.fixtures.evaluations import make_evaluation, make_set_figures
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_point
from train.evaluate.operating_points import choose_points
from train.evaluate.points import evaluate_points
from train.evaluate.split_figures import point_on

POINT = make_point(threshold=0.5, review_band=(0.3, 0.7))
PROBABILITY = np.array([0.9, 0.8, 0.6, 0.1, 0.2, 0.2, 0.75, 0.4, 0.1, 0.1])
FRACTURED = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
GROUPS = np.array([str(number) for number in range(10)])


def test_a_film_in_the_review_band_is_neither_called_nor_missed():
    shares = point_on(PROBABILITY, FRACTURED, POINT, groups=GROUPS).verdicts
    fractures = (shares.fractures_called, shares.fractures_reviewed, shares.fractures_missed)
    assert [share.value for share in fractures] == [0.5, 0.25, 0.25]
    assert {share.n for share in fractures} == {4}
    intact = (shares.intact_called, shares.intact_reviewed)
    assert [share.value for share in intact] == pytest.approx([1 / 6, 1 / 6])
    assert {share.n for share in intact} == {6}


def test_films_of_one_kind_have_no_shares():
    assert point_on(PROBABILITY, np.ones(10, bool), POINT, groups=GROUPS).verdicts is None


def _write_evaluated(folder, *, fractured=FRACTURED):
    """Write an evaluation whose val and test films are those above, and its logits."""
    manifest = read_manifest(make_model_folder(folder / "model"))
    given = make_evaluation(manifest)
    points = [
        dump_record(
            point_on(PROBABILITY, FRACTURED, replace(point, review_band=(0.0, 1.0)), groups=GROUPS)
        )
        for point in choose_points(PROBABILITY, FRACTURED)
    ]
    figures = {"n": 10, "fractured": 4, "points": points}
    given["splits"] = {name: given["splits"][name] | figures for name in ("val", "test")}
    given["calibration"] |= {"slope": 1.0, "intercept": 0.0}
    (folder / EVALUATION).write_text(json.dumps(given))
    logits = np.log(PROBABILITY / (1 - PROBABILITY))
    rows = [
        f"{split},{index:064x},{int(broken)},{index},0,{logit:.6f},0,0"
        for split in ("val", "test")
        for index, (broken, logit) in enumerate(zip(fractured, logits, strict=True))
    ]
    head = "split,sha256,fractured,group,in_training,logit,probability,heat_peak"
    (folder / "logits.csv").write_text("\n".join([head, *rows, ""]))


def test_bands_are_chosen_again_and_all_other_figures_stay(tmp_path):
    _write_evaluated(tmp_path)
    before = read_evaluation(tmp_path / EVALUATION)
    evaluate_points(tmp_path)
    after = read_evaluation(tmp_path / EVALUATION)
    for name in ("val", "test"):
        own, former = after.splits[name], before.splits[name]
        for point, before_it in zip(own.points, former.points, strict=True):
            assert point.threshold == pytest.approx(before_it.threshold, abs=1e-5)
            assert point.sensitivity == before_it.sensitivity
        assert replace(own, points=former.points) == former
    balanced = after.test.point("balanced")
    high = balanced.review_band[1]
    assert high == pytest.approx(0.75, abs=1e-5)  # the likeliest film without fracture
    assert balanced.verdicts.fractures_called.value == 0.5
    assert balanced.verdicts.intact_called.value == 0.0
    assert replace(after, splits=before.splits) == before
    assert [point.review_band for point in after.test.points] == [
        point.review_band for point in after.splits["val"].points
    ]


def test_figures_that_need_the_network_are_dropped_with_the_former_bands(tmp_path):
    _write_evaluated(tmp_path)
    given = json.loads((tmp_path / EVALUATION).read_text())
    given |= {"sets": [dump_record(make_set_figures("elsewhere", 80))]}
    (tmp_path / EVALUATION).write_text(json.dumps(given))
    assert read_evaluation(tmp_path / EVALUATION).sets
    evaluate_points(tmp_path)
    assert read_evaluation(tmp_path / EVALUATION).sets == ()


def test_logits_of_another_evaluation_are_refused(tmp_path):
    _write_evaluated(tmp_path, fractured=~FRACTURED)
    with pytest.raises(RecipeError, match=r"another sensitivity .* evaluate the model again"):
        evaluate_points(tmp_path)


def test_damaged_logits_are_refused(tmp_path):
    _write_evaluated(tmp_path)
    (tmp_path / "logits.csv").write_text("split,logit\ntest,much\n")
    with pytest.raises(RecipeError, match=r"logits\.csv .* missing or damaged"):
        evaluate_points(tmp_path)


def test_logits_without_the_test_films_are_refused(tmp_path):
    _write_evaluated(tmp_path)
    lines = (tmp_path / "logits.csv").read_text().splitlines()
    (tmp_path / "logits.csv").write_text("\n".join([*lines[:-1], ""]))
    with pytest.raises(RecipeError, match="does not hold the 10 films of test"):
        evaluate_points(tmp_path)
