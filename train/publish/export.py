"""Export an evaluated run to weights/<id>/: safetensors, manifest, evaluation, card, plots."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
from dataclasses import replace
from pathlib import Path

from bonefx.errors import RecipeError
from bonefx.models.architectures import architecture_of
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import (
    MANIFEST,
    MANIFEST_SCHEMA_VERSION,
    Manifest,
    ScopeFile,
    read_manifest,
)
from bonefx.records import OperatingPoint, TrustLimits
from bonefx.records.evaluation import EVALUATION, Evaluation
from bonefx.schema import dump_record
from bonefx.scope.statistics import SCOPE_FILE
from train.evaluate.evaluated_model import EvaluatedModel, is_model, load_evaluated_model
from train.evaluate.logits import LOGITS
from train.evaluate.operating_points import BALANCED
from train.evaluate.plots.figures import draw_plots
from train.evaluate.scope.pipeline import measured_scope
from train.files import write_atomically
from train.fit.training_curves import draw_training
from train.publish.card import render_card

LIBRARIES = ("torch", "torchvision", "accelerate", "safetensors", "numpy", "opencv-python-headless")
WEIGHTS_FILE = "model.safetensors"
CARD_NAME = "CARD.md"


def export(folder: Path, weights: Path, *, full: bool = False) -> Path:
    """Write a model folder from a run that was evaluated on test.

    Args:
        folder: Folder of the run; or a model folder that was evaluated again, whose weights are
            kept while manifest, card and figures are written again.
        weights: Folder of all models; the folder of the model is named after the recipe's id.
        full: Export the whole head although the recipe compresses it; evaluated likewise.

    Returns:
        The model folder.

    Raises:
        RecipeError: The present weights were not evaluated on test, or the disk is full.
    """
    model = load_evaluated_model(folder, "cpu", full=full)
    evaluation = read_evaluation(folder / EVALUATION)
    place = weights / model.facts.recipe.id
    if evaluation.weights_sha256 != model.weights_sha256:
        raise RecipeError(f"{folder.name} was trained on after its evaluation; evaluate it again")
    if evaluation.head_ranks != model.head_ranks:
        raise RecipeError(
            f"{folder.name} was evaluated with head_ranks {evaluation.head_ranks}, and these are "
            f"{model.head_ranks}; evaluate and export both with --full, or both without"
        )
    scope = measured_scope(folder, evaluation)
    manifest = _manifest(model, evaluation, scope)
    content = model.content
    write_atomically(place / SCOPE_FILE, lambda part: part.write_bytes(scope))
    write_atomically(place / WEIGHTS_FILE, lambda part: part.write_bytes(content))
    write_atomically(place / LOGITS, lambda part: part.write_bytes((folder / LOGITS).read_bytes()))
    if not is_model(folder):
        confusion = evaluation.splits["test"].classification.confusion
        draw_training(folder, place, confusion=confusion)
    evaluation = replace(evaluation, weights_sha256=manifest.sha256)
    _write_json(place / EVALUATION, evaluation)
    draw_plots(place, evaluation, place, split=evaluation.unseen_split)
    _write_text(place / CARD_NAME, render_card(manifest, evaluation))
    _write_json(place / MANIFEST, manifest)
    return place


def rewrite_card(model: Path) -> Path:
    """Render the card of an exported model again; weights, manifest and figures are kept.

    Args:
        model: A model folder.

    Returns:
        Path of the card.

    Raises:
        WeightsError: The manifest is missing or damaged.
        RecipeError: The evaluation is missing, damaged, or belongs to other weights.
    """
    manifest, evaluation = read_manifest(model), read_evaluation(model / EVALUATION)
    if evaluation.weights_sha256 != manifest.sha256:
        raise RecipeError(f"{model.name} was evaluated with other weights; evaluate it again")
    _write_text(model / CARD_NAME, render_card(manifest, evaluation))
    return model / CARD_NAME


def _manifest(model: EvaluatedModel, evaluation: Evaluation, scope: bytes) -> Manifest:
    facts, content = model.facts, model.content
    recipe = facts.recipe
    return Manifest(
        schema_version=MANIFEST_SCHEMA_VERSION,
        id=recipe.id,
        architecture=recipe.architecture,
        file=WEIGHTS_FILE,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        preprocess=recipe.spec(evaluation.size_px),
        batch_norm=facts.batch_norm,
        cam_layer=architecture_of(recipe.architecture).cam_layer,
        heat_floor=evaluation.heat_floor,
        float16_drift=evaluation.float16_drift,
        calibration=evaluation.calibration,
        operating_points=_points(evaluation),
        default_point=BALANCED,
        scope=ScopeFile(
            file=SCOPE_FILE, bytes=len(scope), sha256=hashlib.sha256(scope).hexdigest()
        ),
        training_data=evaluation.data,
        initial_weights=facts.initial,
        recipe_sha256=facts.recipe_sha256,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        trust=_trust(evaluation),
        head_ranks=model.head_ranks,
        orientations=evaluation.orientations,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _points(evaluation: Evaluation) -> tuple[OperatingPoint, ...]:
    """Return the points chosen on val with their figures on unseen films."""
    chosen = {point.name: point for point in evaluation.splits["val"].points}
    measured = evaluation.splits[evaluation.unseen_split].points
    for point in measured:
        own = chosen[point.name]
        if (point.threshold, point.review_band) != (own.threshold, own.review_band):
            raise RecipeError(f"point {point.name!r} differs between val and test; evaluate again")
    by_region = evaluation.scope.by_region if evaluation.scope else {}
    return tuple(replace(point, by_region=by_region.get(point.name, ())) for point in measured)


def _trust(evaluation: Evaluation) -> TrustLimits | None:
    """Return the limits chosen on val with the grades of the maps on unseen films."""
    if evaluation.trust is None:
        return None
    grades = evaluation.splits[evaluation.unseen_split].map_grades
    return replace(evaluation.trust, grades=grades)


def _write_json(path: Path, record: object) -> None:
    _write_text(path, json.dumps(dump_record(record), indent=2) + "\n")


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))
