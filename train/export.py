"""A fitted and evaluated run -> weights/<id>/: safetensors, manifest, evaluation, card, plots."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
from pathlib import Path

from safetensors.torch import save

from bonefx.architectures import architecture_of
from bonefx.errors import RecipeError
from bonefx.records import OperatingPoint
from bonefx.registry import MANIFEST, SCHEMA_VERSION, Manifest
from bonefx.schema import record_from, table_of
from train.card import render_card
from train.evaluate import BALANCED, EVALUATION, Evaluation
from train.files import write_atomically
from train.plots import draw_plots
from train.run import RunFacts, best_sha256, best_state, read_facts

LIBRARIES = ("torch", "torchvision", "accelerate", "safetensors", "numpy", "opencv-python-headless")
WEIGHTS_FILE = "model.safetensors"
CARD = "CARD.md"


def export(run: Path, weights: Path) -> Path:
    """Write a model folder from a run that was evaluated on test.

    Args:
        run: Folder of the run.
        weights: Folder of all models; the model's own is named after the recipe's id.

    Returns:
        The model's folder.

    Raises:
        RecipeError: The run, as it is now, was not evaluated on test, or the disk is full.
    """
    facts = read_facts(run)
    evaluation = read_evaluation(run / EVALUATION)
    folder = weights / facts.recipe.id
    if evaluation.weights_sha256 != best_sha256(run):
        raise RecipeError(f"{run.name} was trained on after its evaluation; evaluate it again")
    content = save(best_state(run, float16=True))
    manifest = _manifest(facts, evaluation, content)
    write_atomically(folder / WEIGHTS_FILE, lambda part: part.write_bytes(content))
    _write_json(folder / EVALUATION, evaluation)
    draw_plots(run, evaluation, folder)
    card = render_card(manifest, evaluation)
    write_atomically(
        folder / CARD, lambda part: part.write_text(card, encoding="utf-8", newline="\n")
    )
    _write_json(folder / MANIFEST, manifest)
    return folder


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation that holds test figures.

    Raises:
        RecipeError: It is missing, does not fit, or was made without test films.
    """
    remedy = "run `python -m train evaluate RUN --data DIR --test`"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path.name} is missing or no JSON; {remedy}") from error
    evaluation = record_from(Evaluation, table, source=path.name, error=RecipeError, remedy=remedy)
    if "test" not in evaluation.splits:
        raise RecipeError(f"{path.name} has no test figures; {remedy}")
    return evaluation


def _manifest(facts: RunFacts, evaluation: Evaluation, content: bytes) -> Manifest:
    recipe = facts.recipe
    return Manifest(
        schema_version=SCHEMA_VERSION,
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
        scope=None,
        training_data=evaluation.data,
        initial_weights=facts.initial,
        recipe_sha256=facts.recipe_sha256,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _points(evaluation: Evaluation) -> tuple[OperatingPoint, ...]:
    """Take the points that were chosen on val, with what they did on test."""
    chosen = {point.name: point for point in evaluation.splits["val"].points}
    measured = evaluation.splits["test"].points
    for point in measured:
        own = chosen[point.name]
        if (point.threshold, point.review_band) != (own.threshold, own.review_band):
            raise RecipeError(f"point {point.name!r} differs between val and test; evaluate again")
    return measured


def _write_json(path: Path, record: object) -> None:
    text = json.dumps(table_of(record), indent=2) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))
