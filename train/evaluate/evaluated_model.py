"""What is evaluated and exported: a run's best weights, or a model folder exported earlier."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import MANIFEST, Manifest, read_manifest
from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import disable_tf32, load_network
from bonefx.records.evaluation import EVALUATION, Compression, Evaluation, TrainingCost
from train.fit.run_folder import FACTS_FILE, RunFacts, read_facts, read_log
from train.fit.run_weights import (
    compute_best_sha256,
    load_best,
    load_compressed,
    read_best_state,
    read_compressed_state,
)
from train.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds networks
class EvaluatedModel:
    """A trained network with all that is known of its training.

    Attributes:
        network: As it is or will be shipped, in float32 after storing in float16.
        exact: Before it was rounded; None for a model folder, which does not hold it.
        whole: Before its head was compressed; None where it was not, and for a model folder.
        content: The shipped weights file.
        head_ranks: Of the network's head, where it is stored in few directions.
        weights_sha256: Checksum of the weights file in the folder.
        size_px: Side of the input, unless another is asked for.
        float16_drift: As stated by a model folder; None where it is to be measured.
        compression: As stated by a model folder; None where it is to be measured, or nothing was.
        training: None where it was not kept.
        teacher_sha256: Of the weights that it learned from; None where none is recorded.
    """

    facts: RunFacts
    network: SplitNetwork
    exact: SplitNetwork | None
    whole: SplitNetwork | None
    content: bytes
    head_ranks: tuple[int, int] | None
    weights_sha256: str
    size_px: int
    float16_drift: float | None
    compression: Compression | None
    training: TrainingCost | None
    teacher_sha256: str | None


def is_model(folder: Path) -> bool:
    """Tell a model folder from the folder of a run."""
    return (folder / MANIFEST).is_file() and not (folder / FACTS_FILE).is_file()


def load_evaluated_model(folder: Path, device: str, *, full: bool = False) -> EvaluatedModel:
    """Load what is to be evaluated or exported.

    Args:
        folder: Of a fitted run, or a model folder as `export` writes it.
        device: A torch device.
        full: Take a run's whole weights where its recipe ships them compressed.

    Raises:
        RecipeError: It is neither, has no weights yet, or its recipe is not at hand.
        WeightsError: The model folder is damaged.
    """
    return _of_model(folder, device) if is_model(folder) else _of_run(folder, device, full=full)


def _of_run(run: Path, device: str, *, full: bool) -> EvaluatedModel:
    facts = read_facts(run)
    head_ranks = None if full else facts.recipe.head_ranks
    whole = load_best(run, facts, float16=False).to(device)
    load, state_of = (
        (load_best, read_best_state)
        if head_ranks is None
        else (load_compressed, read_compressed_state)
    )
    return EvaluatedModel(
        facts=facts,
        network=load(run, facts, float16=True).to(device),
        exact=whole if head_ranks is None else load(run, facts, float16=False).to(device),
        whole=None if head_ranks is None else whole,
        content=save(state_of(run, float16=True)),
        head_ranks=head_ranks,
        weights_sha256=compute_best_sha256(run),
        size_px=facts.recipe.size_px,
        float16_drift=None,
        compression=None,
        training=_cost(run, facts, whole),
        teacher_sha256=facts.teacher_sha256,
    )


def _cost(run: Path, facts: RunFacts, network: SplitNetwork) -> TrainingCost:
    lines = read_log(run)
    sizes = [value.numel() for value in network.parameters()]
    frozen = [v.numel() for v in network.frozen_part(facts.recipe.frozen_layers).parameters()]
    total_s = sum(line.elapsed_s for line in lines)
    return TrainingCost(
        epochs=len(lines),
        epochs_of_recipe=facts.recipe.epochs,
        kept_epoch=max(line.epoch for line in lines if line.best),
        total_s=total_s,
        epoch_s=total_s / len(lines),
        parameters=sum(sizes),
        trained_parameters=sum(sizes) - sum(frozen),
        device=facts.device,
    )


def _of_model(folder: Path, device: str) -> EvaluatedModel:
    manifest = read_manifest(folder)
    disable_tf32()
    network = load_network(folder, manifest, device=torch.device(device))
    content = (folder / manifest.file).read_bytes()
    kept = _kept(folder)
    return EvaluatedModel(
        facts=_facts(manifest),
        network=network,
        exact=None,
        whole=None,
        content=content,
        head_ranks=manifest.head_ranks,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        size_px=manifest.preprocess.size_px,
        float16_drift=manifest.float16_drift,
        compression=kept.compression if kept else None,
        training=kept.training if kept else None,
        teacher_sha256=kept.teacher_sha256 if kept else None,
    )


def _kept(folder: Path) -> Evaluation | None:
    """What was measured of the run, where it is there."""
    path = folder / EVALUATION
    return read_evaluation(path) if path.is_file() else None


def _facts(manifest: Manifest) -> RunFacts:
    return RunFacts(
        recipe=_recipe_of(manifest),
        recipe_sha256=manifest.recipe_sha256,
        batch_norm=manifest.batch_norm,
        initial=manifest.initial_weights,
        device="not recorded",
        data=manifest.training_data,
    )


def _recipe_of(manifest: Manifest) -> Recipe:
    for path in sorted(RECIPES.glob("*.toml")):
        recipe, sha256 = read_recipe(path)
        if sha256 == manifest.recipe_sha256:
            return recipe
    raise RecipeError(
        f"the recipe of {manifest.id} is not in train/recipes as it was when the model was made; "
        "evaluate the run itself"
    )
