"""What of an evaluation accompanies each reading."""

import json
from dataclasses import replace

from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from tests.fixtures.evaluations import make_evaluation, make_set_figures
from tests.fixtures.model_folders import make_model_folder


def test_results_of_sets_that_were_not_trained_on_come_largest_first(tmp_path):
    manifest = read_manifest(make_model_folder(tmp_path))
    (tmp_path / "evaluation.json").write_text(json.dumps(make_evaluation(manifest)))
    evaluation = read_evaluation(tmp_path / "evaluation.json")
    sets = (
        make_set_figures("small", 80),
        make_set_figures("own", 900, trained_on=True),
        make_set_figures("one label", 500, auroc=False),
        make_set_figures("large", 90_000),
    )
    found = replace(evaluation, sets=sets).other_sets
    assert [one.name for one in found] == ["large", "Elsewhere", "small"]
    assert found[1].auroc == evaluation.splits["outside"].auroc
    assert found[1].refused is None
    assert replace(evaluation, outside=None).other_sets == ()
