"""Load a trained network for evaluation and export, from a run or from a model folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import MANIFEST, Manifest, read_manifest
from bonefx.models.networks import SplitNetwork, in_orientations
from bonefx.models.registry import disable_tf32, load_network, network_on_engine
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
    """A trained network, with the facts of its training.

    Attributes:
        facts: Recipe, data and initial weights of the training run.
        network: The network as exported: float32 values that were rounded to float16.
        exact: The network before rounding; None for a model folder.
        whole: The network before its head was compressed; None without compression, and for a
            model folder.
        content: Bytes of the exported weights file.
        head_ranks: Ranks of a compressed head; None if the head is whole.
        weights_sha256: Checksum of the weights file in the folder.
        size_px: Default side of the network input.
        orientations: In how many orientations the networks read a film, 1 or 4.
        float16_drift: As a model folder states it; None if it has to be measured.
        compression: As a model folder states it; None if it has to be measured, or without
            compression.
        training: Cost of the training; None if it was not recorded.
        teacher_sha256: Checksum of the teacher's weights; None if not recorded.
    """

    facts: RunFacts
    network: SplitNetwork
    exact: SplitNetwork | None
    whole: SplitNetwork | None
    content: bytes
    head_ranks: tuple[int, int] | None
    weights_sha256: str
    size_px: int
    orientations: Literal[1, 4]
    float16_drift: float | None
    compression: Compression | None
    training: TrainingCost | None
    teacher_sha256: str | None

    def reading(self, orientations: Literal[1, 4]) -> EvaluatedModel:
        """Return the model with networks that read films in so many orientations."""
        return replace(
            self,
            network=in_orientations(self.network, orientations),
            exact=None if self.exact is None else in_orientations(self.exact, orientations),
            whole=None if self.whole is None else in_orientations(self.whole, orientations),
            orientations=orientations,
        )

    def on_engine(self, engine: str, *, size_px: int) -> EvaluatedModel:
        """Return the model with its exported network on an engine; see registry.

        The networks that it is compared with stay in PyTorch.
        """
        key = hashlib.sha256(self.content).hexdigest()
        network = network_on_engine(
            self.network, engine, name=self.facts.recipe.id, key=key, size_px=size_px
        )
        return replace(self, network=network)


def is_model(folder: Path) -> bool:
    """Return whether a folder is a model folder, and not the folder of a run."""
    return (folder / MANIFEST).is_file() and not (folder / FACTS_FILE).is_file()


def load_evaluated_model(folder: Path, device: str, *, full: bool = False) -> EvaluatedModel:
    """Load a run or a model folder for evaluation or export.

    Args:
        folder: Folder of a fitted run, or a model folder as `export` writes it.
        device: A torch device, such as "cpu".
        full: Load the whole weights of a run although its recipe compresses the head.

    Raises:
        RecipeError: It is neither, has no weights yet, or its recipe was not found.
        WeightsError: The model folder is damaged.
    """
    return (
        _load_from_model(folder, device)
        if is_model(folder)
        else _load_from_run(folder, device, full=full)
    )


def _load_from_run(run: Path, device: str, *, full: bool) -> EvaluatedModel:
    facts = read_facts(run)
    head_ranks = None if full else facts.recipe.head_ranks
    whole = load_best(run, facts, float16=False).to(device)
    load, read_state = (
        (load_best, read_best_state)
        if head_ranks is None
        else (load_compressed, read_compressed_state)
    )
    return EvaluatedModel(
        facts=facts,
        network=load(run, facts, float16=True).to(device),
        exact=whole if head_ranks is None else load(run, facts, float16=False).to(device),
        whole=None if head_ranks is None else whole,
        content=save(read_state(run, float16=True)),
        head_ranks=head_ranks,
        weights_sha256=compute_best_sha256(run),
        size_px=facts.recipe.size_px,
        orientations=1,
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


def _load_from_model(folder: Path, device: str) -> EvaluatedModel:
    manifest = read_manifest(folder)
    disable_tf32()
    network = load_network(folder, manifest, device=torch.device(device))
    content = (folder / manifest.file).read_bytes()
    evaluation = _earlier_evaluation(folder)
    return EvaluatedModel(
        facts=_facts(manifest),
        network=network,
        exact=None,
        whole=None,
        content=content,
        head_ranks=manifest.head_ranks,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        size_px=manifest.preprocess.size_px,
        orientations=manifest.orientations,
        float16_drift=manifest.float16_drift,
        compression=evaluation.compression if evaluation else None,
        training=evaluation.training if evaluation else None,
        teacher_sha256=evaluation.teacher_sha256 if evaluation else None,
    )


def _earlier_evaluation(folder: Path) -> Evaluation | None:
    """Read the evaluation of a model folder; None if it has none."""
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
