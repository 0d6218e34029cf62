"""What of an evaluation accompanies each reading."""

import json
from dataclasses import replace

from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.records import Estimate
from bonefx.records.set_figures import SetFigures
from tests.fixtures.evaluations import make_evaluation
from tests.fixtures.model_folders import make_model_folder


def make_set(name, n, *, trained_on=False, auroc=True):
    estimate = Estimate(value=0.8, low=0.7, high=0.9, n=n)
    return SetFigures(
        name=name, split="test", trained_on=trained_on, n=n, fractured=n // 2, groups=n,
        refused=replace(estimate, value=0.7), auroc=estimate if auroc else None, points=(),
        called_fracture=None, sent_to_review=None, pointing=None,
    )  # fmt: skip


def test_results_of_sets_that_were_not_trained_on_come_largest_first(tmp_path):
    manifest = read_manifest(make_model_folder(tmp_path))
    (tmp_path / "evaluation.json").write_text(json.dumps(make_evaluation(manifest)))
    evaluation = read_evaluation(tmp_path / "evaluation.json")
    sets = (
        make_set("small", 80),
        make_set("own", 900, trained_on=True),
        make_set("one label", 500, auroc=False),
        make_set("large", 90_000),
    )
    found = replace(evaluation, sets=sets).other_sets
    assert [one.name for one in found] == ["large", "Elsewhere", "small"]
    assert found[1].auroc == evaluation.splits["outside"].auroc
    assert found[1].refused is None
    assert replace(evaluation, outside=None).other_sets == ()
