"""Shares of all verdicts: measured with the review band, from the logits of an evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.records.evaluation import EVALUATION
from bonefx.schema import dump_record
from tests.fixtures.evaluations import make_evaluation
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_point
from train.evaluate.split_figures import point_on
from train.evaluate.verdicts import evaluate_verdicts

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
    """Write an evaluation whose test films are those above, and its logits."""
    manifest = read_manifest(make_model_folder(folder / "model"))
    given = make_evaluation(manifest)
    point = dump_record(
        replace(point_on(PROBABILITY, FRACTURED, POINT, groups=GROUPS), verdicts=None)
    )
    given["splits"]["test"] |= {"n": 10, "fractured": 4, "points": [point]}
    given["calibration"] |= {"slope": 1.0, "intercept": 0.0}
    (folder / EVALUATION).write_text(json.dumps(given))
    logits = np.log(PROBABILITY / (1 - PROBABILITY))
    rows = [
        f"test,{index:064x},{int(broken)},{index},0,{logit:.6f},0,0"
        for index, (broken, logit) in enumerate(zip(fractured, logits, strict=True))
    ]
    head = "split,sha256,fractured,group,in_training,logit,probability,heat_peak"
    (folder / "logits.csv").write_text("\n".join([head, *rows, ""]))


def test_the_logits_of_an_evaluation_give_the_shares_and_change_nothing_else(tmp_path):
    _write_evaluated(tmp_path)
    before = read_evaluation(tmp_path / EVALUATION)
    evaluate_verdicts(tmp_path)
    after = read_evaluation(tmp_path / EVALUATION)
    (point,) = after.test.points
    assert point.verdicts.fractures_missed.value == 0.25
    points = (replace(point, verdicts=None),)
    tests = {"test": replace(after.test, points=points)}
    assert replace(after, splits=after.splits | tests) == before


def test_logits_of_another_evaluation_are_refused(tmp_path):
    _write_evaluated(tmp_path, fractured=~FRACTURED)
    with pytest.raises(RecipeError, match=r"sensitivity of .* evaluate the model again"):
        evaluate_verdicts(tmp_path)


def test_damaged_logits_are_refused(tmp_path):
    _write_evaluated(tmp_path)
    (tmp_path / "logits.csv").write_text("split,logit\ntest,much\n")
    with pytest.raises(RecipeError, match=r"logits\.csv .* missing or damaged"):
        evaluate_verdicts(tmp_path)


def test_logits_without_the_test_films_are_refused(tmp_path):
    _write_evaluated(tmp_path)
    lines = (tmp_path / "logits.csv").read_text().splitlines()
    (tmp_path / "logits.csv").write_text("\n".join([*lines[:-1], ""]))
    with pytest.raises(RecipeError, match="does not hold the 10 films of test"):
        evaluate_verdicts(tmp_path)
