"""What a run ships where its recipe compresses the head, and what that changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.special import expit

from bonefx.records import Calibration
from train.data import DataSet
from train.data.cache import load_cached
from train.evaluate.compression import compress_network
from train.evaluate.evaluated_model import EvaluatedModel, is_model, load_evaluated_model
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.options import EvaluateOptions
from train.evaluate.records import Compression
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import compute_network_outputs, network_input_batches
from train.fit.run_folder import read_facts
from train.fit.run_weights import has_compressed, load_best, save_compressed
from train.metrics import auroc


def load_for_evaluation(folder: Path, options: EvaluateOptions) -> EvaluatedModel:
    """Load what is evaluated; a run whose recipe says so is compressed first.

    Raises:
        RecipeError: See subject_of and compress.compressed.
    """
    if not options.full and not is_model(folder):
        _compress(folder, options)
    return load_evaluated_model(folder, options.device, full=options.full)


def _compress(run: Path, options: EvaluateOptions) -> None:
    """Write a run's compressed twin, unless the recipe wants none or it is there."""
    from train.data import load_data

    facts = read_facts(run)
    recipe = facts.recipe
    if recipe.head_ranks is None or has_compressed(run):
        return
    size_px = options.size_px or recipe.size_px
    data_set: DataSet = load_data(recipe.data, options.data, options.splits)
    films = load_cached(
        data_set.split("train"), size_px=size_px, folder=options.cache, salvage=recipe.salvage
    )
    device = torch.device(options.device)
    network = load_best(run, facts, float16=False).to(device)
    batches = network_input_batches(films, recipe.spec(size_px), device)
    save_compressed(run, compress_network(network, batches, recipe.head_ranks).cpu())


def measure_compression(
    subject: EvaluatedModel, read: ReadSplit, calibration: Calibration
) -> Compression | None:
    """Measure what compression changes; None where nothing was compressed.

    Args:
        subject: Evaluated; a model folder states what was measured of the run.
        read: Test films as the compressed network read them.
        calibration: Of the compressed network.
    """
    if subject.whole is None:
        return subject.compression
    films = read.films
    whole = compute_network_outputs(subject.whole, films, subject.facts.recipe.spec(films.size_px))
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
