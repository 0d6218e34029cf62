"""Compress the head of a trained VGG16: its two large layers are stored in low rank.

The rank keeps the directions in which a layer's outputs on training films vary most.

Source:
    Girshick (2015), "Fast R-CNN", section 3.1; directions of the outputs instead of the weights,
    after Zhang et al. (2016), "Accelerating very deep convolutional networks", section 3.2.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from torch import nn
from torchvision.models import VGG

from bonefx.errors import RecipeError
from bonefx.models.low_rank import LARGE_LAYERS, LowRankLinear, Ranks
from bonefx.models.networks import SplitNetwork
from bonefx.records import Calibration
from bonefx.records.evaluation import Compression
from train.data import DataSet
from train.data.cache import load_cached
from train.evaluate.evaluated_model import EvaluatedModel, is_model, load_evaluated_model
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.options import EvaluateOptions
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import compute_network_outputs, network_input_batches
from train.fit.run_folder import read_facts
from train.fit.run_weights import has_compressed, load_best, save_compressed
from train.metrics import auroc

CHUNK_FILMS = 256


@torch.no_grad()
def compress_network(
    network: SplitNetwork, batches: Iterable[torch.Tensor], ranks: Ranks
) -> SplitNetwork:
    """Return a copy of a network with fc6 and fc7 in low rank.

    fc6 is reduced first; fc7 is reduced on the outputs of the reduced fc6.

    Args:
        network: A VGG16, in evaluation mode; not changed.
        batches: Training films as network input, (B, 3, S, S) each.
        ranks: Ranks of fc6 and fc7.

    Raises:
        RecipeError: The network is not a VGG, or there are too few films for these ranks.
    """
    result = copy.deepcopy(network)
    backbone = result.backbone
    if not isinstance(backbone, VGG):
        raise RecipeError("only a VGG's head can be compressed; leave head_ranks out of the recipe")
    inputs = torch.cat([_head_input(result, batch) for batch in batches])
    for index, rank in zip(LARGE_LAYERS, ranks, strict=True):
        if rank >= len(inputs):
            raise RecipeError(f"{len(inputs)} films are too few for rank {rank}; lower head_ranks")
        first = 0 if index == LARGE_LAYERS[0] else LARGE_LAYERS[0] + 1
        inputs = _through(backbone.classifier[first:index], inputs)
        backbone.classifier[index] = reduce_layer(backbone.classifier[index], inputs, rank)
        inputs = _through(backbone.classifier[index : index + 1], inputs)
    return result


@torch.no_grad()
def reduce_layer(layer: nn.Module, inputs: torch.Tensor, rank: int) -> LowRankLinear:
    """Reduce a linear layer to the principal directions of its outputs.

    Args:
        layer: Linear, D to C.
        inputs: (N, D), N > rank.
        rank: Number of directions.

    Returns:
        A layer whose outputs are those of `layer`, projected onto the directions around their mean.
    """
    assert isinstance(layer, nn.Linear)
    outputs = _through([layer], inputs).double()
    mean = outputs.mean(0)
    _, directions = torch.linalg.eigh((outputs - mean).T @ (outputs - mean))
    kept = directions[:, -rank:].flip(1)  # (C, rank), the largest first
    weight, bias = layer.weight.double(), layer.bias.double()
    result = LowRankLinear(layer.in_features, rank, layer.out_features)
    result.inner.weight.copy_(kept.T @ weight)
    result.outer.weight.copy_(kept)
    result.outer.bias.copy_(mean + kept @ (kept.T @ (bias - mean)))
    return result.requires_grad_(False).eval()


def _head_input(network: SplitNetwork, batch: torch.Tensor) -> torch.Tensor:
    """Return the input of fc6, (B, D), as float16 to save memory."""
    backbone = network.backbone
    assert isinstance(backbone, VGG)
    pooled = backbone.avgpool(backbone.features(batch))
    return torch.flatten(pooled, 1).half().cpu()


def _through(layers: Iterable[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    """Run (N, D) through layers in chunks; returns (N, C) float32."""
    return torch.cat(list(_parts(layers, inputs)))


def _parts(layers: Iterable[nn.Module], inputs: torch.Tensor) -> Iterator[torch.Tensor]:
    stack = list(layers)
    for part in torch.split(inputs, CHUNK_FILMS):
        values = part.float()
        for layer in stack:
            values = layer(values)
        yield values


def load_for_evaluation(folder: Path, options: EvaluateOptions) -> EvaluatedModel:
    """Load a run or model for evaluation; compress the head of a run if its recipe says so.

    Raises:
        RecipeError: See load_evaluated_model and compress_network.
    """
    if not options.full and not is_model(folder):
        _write_compressed(folder, options)
    model = load_evaluated_model(folder, options.device, full=options.full)
    if options.orientations is not None:
        model = model.reading(options.orientations)
    return model.on_engine(options.engine, size_px=options.size_px or model.size_px)


def _write_compressed(run: Path, options: EvaluateOptions) -> None:
    """Write the compressed network of a run, unless it exists or the recipe compresses nothing."""
    from train.data import load_data

    facts = read_facts(run)
    recipe = facts.recipe
    if recipe.head_ranks is None or has_compressed(run):
        return
    size_px = options.size_px or recipe.size_px
    data_set: DataSet = load_data(recipe.data, options.data, options.splits, sources=recipe.sources)
    films = load_cached(
        data_set.split("train"),
        size_px=size_px,
        folder=options.cache,
        salvage=recipe.salvage,
        grey_levels=recipe.grey_levels,
    )
    device = torch.device(options.device)
    network = load_best(run, facts, float16=False).to(device)
    batches = network_input_batches(films, recipe.spec(size_px), device)
    save_compressed(run, compress_network(network, batches, recipe.head_ranks).cpu())


def measure_compression(
    model: EvaluatedModel, read: ReadSplit, calibration: Calibration
) -> Compression | None:
    """Measure the effect of compression on test films; None without compression.

    Args:
        model: The evaluated model; a model folder states what was measured of its run.
        read: Test films with the outputs of the compressed network.
        calibration: Calibration of the compressed network.
    """
    if model.whole is None:
        return model.compression
    films = read.films
    whole = compute_network_outputs(model.whole, films, model.facts.recipe.spec(films.size_px))
    first, second = (
        calibrated_probabilities(own.logits, calibration) for own in (whole, read.outputs)
    )
    cells = whole.cells.mean()
    return Compression(
        n=len(films.films),
        probability=float(np.abs(first - second).max()),
        auroc=auroc(films.fractured, expit(whole.logits))
        - auroc(films.fractured, expit(read.logits)),
        map_difference=float(np.abs(whole.cells - read.outputs.cells).mean() / cells)
        if cells
        else 0.0,
    )
