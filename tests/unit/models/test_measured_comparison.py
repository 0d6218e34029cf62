"""What is said of models comes from files that speak of the very weights that are loaded."""

import json
import re
from dataclasses import replace

import pytest
import torch

from bonefx.errors import RecipeError, WeightsError
from bonefx.models.evaluation import read_evaluation, read_model_evaluation, summarise_evaluation
from bonefx.models.measured_comparison import comparison_path, find_measured_comparison
from bonefx.models.registry import load_model, model_ids
from bonefx.web.shared.performance import (
    measured_pair_html,
    p_value,
    performance_html,
    performance_text,
)
from tests.fixtures.evaluations import make_comparison, make_evaluation
from tests.fixtures.model_folders import make_model_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    folders = [make_model_folder(weights, id=name) for name in ("first", "second")]
    return [load_model(folder, device=CPU) for folder in folders]


@pytest.fixture
def models(loaded, tmp_path):
    """Two loaded models whose folders hold nothing yet."""
    for model in loaded:
        (tmp_path / model.name).mkdir()
    return [replace(model, folder=tmp_path / model.name) for model in loaded]


def write_comparison(models, **changes):
    table = make_comparison([model.manifest for model in models], **changes)
    path = comparison_path(models[0].folder.parent, *table["models"])
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(table))
    return path


def write_evaluation(model, **changes):
    table = make_evaluation(model.manifest, **changes)
    (model.folder / "evaluation.json").write_text(json.dumps(table))


def test_no_comparison_is_found_where_nobody_made_one_and_the_remedy_is_said(models):
    assert find_measured_comparison(*models) is None
    html = measured_pair_html(*models)
    assert "Not compared on a common test set" in html
    assert "python -m train compare weights/first weights/second --write" in html


def test_a_comparison_is_found_in_either_order_and_told_in_its_own(models):
    write_comparison(models)
    assert find_measured_comparison(*models).models == ("first", "second")
    assert find_measured_comparison(*reversed(models)) == find_measured_comparison(*models)
    html = measured_pair_html(*reversed(models))
    assert "Difference, first minus second" in html
    assert "+0.120 (+0.050 to +0.200)" in html
    assert "p = 0.031" in html
    assert "FracAtlas 582" in html


def test_a_comparison_of_other_weights_is_not_shown_but_said_to_be_stale(models):
    own = models[0].manifest.sha256
    write_comparison(models, weights_sha256=[own, "f" * 64])
    with pytest.raises(WeightsError, match=r"stale.*other weights of second; run `python"):
        find_measured_comparison(*models)
    html = measured_pair_html(*models)
    assert "is stale" in html
    assert "0.120" not in html


def test_a_current_comparison_is_found_beside_a_stale_one_of_the_other_order(models):
    write_comparison(models, weights_sha256=["e" * 64, "f" * 64])
    write_comparison(models[::-1])
    assert find_measured_comparison(*models).models == ("second", "first")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_comparison_is_named_with_its_remedy(models, content):
    write_comparison(models).write_text(content)
    with pytest.raises(WeightsError, match=r"first--second\.json.*run `python -m train compare"):
        find_measured_comparison(*models)


def test_a_folder_of_comparisons_is_no_model(tmp_path):
    make_model_folder(tmp_path, id="first")
    (tmp_path / "comparisons").mkdir()
    (tmp_path / "comparisons" / "first--second.json").write_text("{}")
    assert model_ids(tmp_path) == ["first"]


def test_a_model_without_evaluation_is_not_measured(models):
    assert read_model_evaluation(models[0]) is None
    assert performance_text(models[0]).startswith("Not measured")


def test_what_a_model_is_worth_is_told_on_unseen_films_and_elsewhere(models):
    write_evaluation(models[0])
    told = performance_text(models[0])
    assert "AUROC 0.931 (0.891 to 0.959) on 582 unseen films of FracAtlas" in told
    assert "AUROC 0.707 (0.622 to 0.781) on 3717 unseen films of Elsewhere" in told
    assert "emorised" not in told


def test_a_model_that_was_trained_on_its_test_films_is_said_to_have_memorised_them(models):
    write_evaluation(models[0], in_training=491)
    told = performance_text(models[0])
    assert told.startswith("Memorised: 491 of its 582 published test films (FracAtlas)")
    assert "measures memory" in told
    assert "on 3717 unseen films of Elsewhere" in told


def test_only_a_model_that_memorised_its_test_films_is_warned_of(models):
    assert summarise_evaluation(models[0]).caution == ""
    write_evaluation(models[0])
    assert summarise_evaluation(models[0]).caution == ""
    write_evaluation(models[0], in_training=491)
    told = "Not for reading films: first was trained on 491 of its own 582 test films."
    assert summarise_evaluation(models[0]).caution.startswith(told)


def test_the_films_of_a_models_figures_are_named_as_far_as_it_was_not_trained_on_them(models):
    assert summarise_evaluation(models[0]).tested_on == ""
    write_evaluation(models[0])
    assert summarise_evaluation(models[0]).tested_on == "FracAtlas"
    write_evaluation(models[0], in_training=491)
    assert summarise_evaluation(models[0]).tested_on == "Elsewhere"
    write_evaluation(models[0], in_training=491, outside=None)
    assert summarise_evaluation(models[0]).tested_on == "FracAtlas"


def test_a_model_whose_evaluation_is_damaged_is_warned_of(models):
    (models[0].folder / "evaluation.json").write_text("{")
    told = r"The performance of first is not known: evaluation\.json of first.*evaluate"
    assert re.match(told, summarise_evaluation(models[0]).caution)


def test_an_evaluation_of_other_weights_is_refused(models):
    write_evaluation(models[0], weights_sha256="f" * 64)
    with pytest.raises(WeightsError, match="other weights; fetch the model again"):
        read_model_evaluation(models[0])
    assert "0.931" not in performance_text(models[0])


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_evaluation_is_named_with_its_remedy(models, content):
    (models[0].folder / "evaluation.json").write_text(content)
    with pytest.raises(WeightsError, match=r"evaluation\.json of first.*evaluate"):
        read_model_evaluation(models[0])


def test_entries_of_a_newer_version_are_ignored_by_the_app_and_refused_by_training(models):
    write_evaluation(models[0], of_a_newer_version=1)
    assert read_model_evaluation(models[0]).test.n == 582
    with pytest.raises(RecipeError, match=r"of_a_newer_version.*python -m train evaluate"):
        read_evaluation(models[0].folder / "evaluation.json")


def test_an_evaluation_without_test_figures_is_refused(models):
    write_evaluation(models[0], splits={})
    with pytest.raises(WeightsError, match="no test figures; fetch the model again"):
        read_model_evaluation(models[0])
    with pytest.raises(RecipeError, match="no test figures; run `python -m train evaluate"):
        read_evaluation(models[0].folder / "evaluation.json")


def test_of_three_models_every_two_are_compared(models):
    third = replace(models[0], manifest=replace(models[0].manifest, id="third"))
    assert performance_html([*models, third]).count('class="not_compared"') == 3


def test_a_name_from_a_file_cannot_become_markup(models):
    write_comparison(models, films={"<script>": 582})
    html = measured_pair_html(*models)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_p_value_is_never_rounded_to_nothing():
    assert p_value(1e-9) == "p < 0.001"
    assert p_value(0.0314) == "p = 0.031"
