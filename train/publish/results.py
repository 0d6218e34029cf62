"""README's tables, rendered from the JSON of models and audits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.models.measured_comparison import (
    COMPARISONS,
    MeasuredComparison,
    read_measured_comparison,
)
from bonefx.models.registry import model_ids
from bonefx.records.evaluation import EVALUATION, Evaluation
from train.publish.card import (
    render_comparisons,
    render_figures,
    render_intruders,
    render_maps,
    render_protocols,
    with_block,
)


def render_blocks(model: Path, docs: Path) -> dict[str, str]:
    """Render README's tables by the name of their markers.

    Args:
        model: Folder of the model whose figures are shown; its neighbours' protocols stand beside.
        docs: Holds `audits` with one audit.json a data set, and `benches` with heatmaps_<id>.json.

    Raises:
        RecipeError: An evaluation or an audit does not fit, or a bench is of other weights.
    """
    from train.audit.cli import render_audits
    from train.audit.records import read_audit

    evaluation = read_evaluation(model / EVALUATION)
    all_ids = model_ids(model.parent)
    all_models = [read_evaluation(model.parent / name / EVALUATION) for name in all_ids]
    manifest = read_manifest(model)
    blocks = {
        "figures": render_figures([evaluation, *_on_the_same_films(evaluation, all_models)]),
        "protocols": render_protocols(all_models),
    }
    if evaluation.scope is not None:
        blocks["intruders"] = render_intruders(manifest, evaluation)
    compared = _comparisons(model.parent)
    if compared:
        blocks["comparisons"] = render_comparisons(compared)
    found = sorted((docs / "audits").glob("*.json"))
    if found:
        blocks["audits"] = render_audits([read_audit(path) for path in found])
    measured = _benches(docs / "benches", [model, *(model.parent / name for name in all_ids)])
    if measured:
        blocks["maps"] = render_maps(measured)
    return blocks


def _comparisons(weights: Path) -> list[MeasuredComparison]:
    """Read what was compared of the models as they are.

    Raises:
        WeightsError: One is damaged.
        RecipeError: One is of other weights.
    """
    now = {name: read_manifest(weights / name).sha256 for name in model_ids(weights)}
    found = []
    for path in sorted((weights / COMPARISONS).glob("*.json")):
        one = read_measured_comparison(path, remedy="remove it, and compare the two models again")
        stale = one.stale(now)
        if stale:
            raise RecipeError(stale)
        found.append(one)
    return found


def _on_the_same_films(first: Evaluation, others: Sequence[Evaluation]) -> list[Evaluation]:
    """Take the models that were held out from the same films as a first one, without it.

    Folders that say the splits themselves have no checksum, so nobody can tell.
    """
    if first.data.split_sha256 is None:
        return []
    return [
        other for other in others
        if other.model != first.model
        and other.data.name == first.data.name
        and other.data.split_sha256 == first.data.split_sha256
        and other.splits["test"].n == first.splits["test"].n
    ]  # fmt: skip


def _benches(folder: Path, models: Sequence[Path]) -> list[dict[str, Any]]:
    """Read the heat-map benches that there are, each once, in the order of the models."""
    paths = {model: folder / f"heatmaps_{model.name}.json" for model in models}
    return [_bench(path, model) for model, path in paths.items() if path.is_file()]


def _bench(path: Path, model: Path) -> dict[str, Any]:
    bench: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if bench["weights_sha256"] != read_manifest(model).sha256:
        raise RecipeError(
            f"{path.name} was measured with other weights than {model.name} has; run "
            f"`python -m tests.bench.bench_heatmaps --data DIR --model {model.name} > {path}`"
        )
    return bench


def fill_blocks(text: str, blocks: dict[str, str]) -> str:
    """Put all rendered tables between their markers; see card.with_block."""
    for name, content in blocks.items():
        text = with_block(text, name, content)
    return text
