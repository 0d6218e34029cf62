"""Tables of README and results are rendered from the evaluation of a model."""

import json
import shutil

import pytest

from bonefx.models.manifest import read_manifest
from bonefx.models.measured_comparison import comparison_path
from tests.fixtures.evaluations import make_comparison
from train.cli import main as train


def write_pages(folder):
    """Write README.md and results.md with an old table between their markers."""
    pages = {"README.md": ("performance",), "results.md": ("figures", "intruders", "protocols")}
    for page, names in pages.items():
        blocks = "".join(f"<!-- {n} -->\nold\n<!-- end of {n} -->\n" for n in names)
        (folder / page).write_text(f"before\n{blocks}")
    return folder / "README.md", folder / "results.md"


def update_tables(model, folder):
    return train([
        "readme", str(model), "--docs", str(folder), "--file", str(folder / "README.md"),
    ])  # fmt: skip


def test_results_and_readme_get_the_measured_figures_between_their_markers(trained, tmp_path):
    readme, results = write_pages(tmp_path)
    assert update_tables(trained / "weights" / "synthetic", tmp_path) == 0
    text = results.read_text()
    assert text.startswith("before\n<!-- figures -->\n")
    assert "| AUROC |" in text
    assert "| synthetic | published split: data | 8 |" in text
    assert "maps" not in text
    small = readme.read_text()
    assert small.startswith(
        "before\n<!-- performance -->\n| value (95 % interval), n = films | synthetic |"
    )
    assert "| AUROC, data test films | " in small
    assert "other hospitals" not in small  # no outside set was measured
    assert "old" not in text + small


def test_results_show_former_models_beside_the_included_ones(trained, tmp_path):
    _, results = write_pages(tmp_path)
    model = trained / "weights" / "synthetic"
    (tmp_path / "results" / "former").mkdir(parents=True)
    shutil.copy(model / "evaluation.json", tmp_path / "results" / "former" / "synthetic_2025.json")
    assert update_tables(model, tmp_path) == 0
    text = results.read_text()
    assert "| synthetic | published split: data | 8 |" in text
    assert "| synthetic_2025 | published split: data | 8 |" in text


def test_results_show_how_well_types_of_fractures_are_told(trained, tmp_path):
    _, results = write_pages(tmp_path)
    with results.open("a") as file:
        file.write("<!-- types -->\n<!-- end of types -->\n")
    model = trained / "weights" / "synthetic"
    estimate = {"value": 0.412, "low": 0.3, "high": 0.5, "n": 30}
    benchmark = {
        "model": "synthetic", "weights_sha256": read_manifest(model).sha256, "chance": 0.5,
        "types": {"oblique": 20, "transverse": 10}, "confusion": [[15, 5], [4, 6]],
        "balanced_accuracy": {"activations": estimate},
    }  # fmt: skip
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "fracture_types_synthetic.json").write_text(json.dumps(benchmark))
    assert update_tables(model, tmp_path) == 0
    lines = results.read_text().splitlines()
    assert "| synthetic, 30 films: type | films | called oblique | called transverse |" in lines
    assert "| oblique | 20 | 15 | 5 |" in lines
    assert "| activations | 0.41 (0.30 to 0.50), n = 30 |" in lines


@pytest.mark.parametrize("kind", ["heatmaps", "fracture_types"])
def test_readme_shows_no_benchmark_of_other_weights(trained, tmp_path, capsys, kind):
    write_pages(tmp_path)
    (tmp_path / "results").mkdir()
    benchmark = {"weights_sha256": "f" * 64}
    (tmp_path / "results" / f"{kind}_synthetic.json").write_text(json.dumps(benchmark))
    assert update_tables(trained / "weights" / "synthetic", tmp_path) == 5
    assert "other weights" in capsys.readouterr().err


def test_readme_shows_no_comparison_of_other_weights(trained, tmp_path, capsys):
    write_pages(tmp_path)
    weights = tmp_path / "weights"
    shutil.copytree(trained / "weights", weights)
    (weights / "comparisons").mkdir(exist_ok=True)
    manifests = [read_manifest(weights / "synthetic")] * 2
    changes = {"weights_sha256": ["f" * 64] * 2}
    comparison_path(weights, "synthetic", "synthetic").write_text(
        json.dumps(make_comparison(manifests, **changes))
    )
    assert update_tables(weights / "synthetic", tmp_path) == 5
    assert "train compare weights/synthetic" in capsys.readouterr().err


@pytest.mark.parametrize("page", ["README.md", "results.md"])
def test_no_page_is_changed_if_one_lacks_its_markers(trained, tmp_path, capsys, page):
    pages = write_pages(tmp_path)
    (tmp_path / page).write_text("no markers")
    before = [own.read_text() for own in pages]
    assert update_tables(trained / "weights" / "synthetic", tmp_path) == 5
    assert [own.read_text() for own in pages] == before
    assert f"{page} needs a line" in capsys.readouterr().err
