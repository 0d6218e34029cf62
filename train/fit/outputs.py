"""Network outputs for cached films: logits for validation; logits and maps for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.heatmaps.forward import run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM, class_activation_map
from bonefx.heatmaps.projection import peak_on_film
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec, normalise
from train.data.cache import CachedFilms

FORWARD_BATCH_FILMS = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class NetworkOutputs:
    """Outputs of a network for N films.

    Attributes:
        logits: (N,) float64.
        cells: Grad-CAM maps, (N, h, w) float32, in logits.
        peaks: Largest value of each map on its film's grid, (N,), in logits.
        signatures: (N, D) float32; see bonefx.models.networks.StageOutputs.
    """

    logits: NDArray[np.float64]
    cells: NDArray[np.float32]
    peaks: NDArray[np.float64]
    signatures: NDArray[np.float32]

    def select(self, indices: NDArray[np.int64]) -> NetworkOutputs:
        """Return the outputs of the films at the given indices, in that order."""
        return NetworkOutputs(**{
            field.name: getattr(self, field.name)[indices] for field in fields(self)
        })  # fmt: skip


def network_input_batches(
    films: CachedFilms, spec: PreprocessSpec, device: torch.device, *, quarter_turns: int = 0
) -> Iterator[torch.Tensor]:
    """Yield normalised network input, (B, 3, S, S) each, in the order of the films.

    Args:
        films: Cached films.
        spec: Preprocessing of the model.
        device: Device of the network.
        quarter_turns: Clockwise quarter turns of the films.
    """
    for start in range(0, len(films.films), FORWARD_BATCH_FILMS):
        squares = torch.from_numpy(films.squares[films.rows[start : start + FORWARD_BATCH_FILMS]])
        turned = torch.rot90(squares, -quarter_turns, (1, 2))
        batch = normalise(turned.to(device), spec)
        yield batch.contiguous(memory_format=torch.channels_last)


def compute_network_outputs(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec
) -> NetworkOutputs:
    """Run films through a frozen network in evaluation mode, with the forward pass of readings.

    Args:
        network: The network.
        films: Cached films.
        spec: Preprocessing of the model.
    """
    device = next(network.parameters()).device
    batches = network_input_batches(films, spec, device)
    passes = (run_with_gradients(network, batch) for batch in batches)
    parts = [
        (
            one.logits,
            class_activation_map(GRAD_CAM, one.activations, one.gradients),
            one.signature,
        )
        for one in passes
    ]
    cells = torch.cat([maps for _, maps, _ in parts]).float().cpu().numpy()
    peaks = [
        peak_on_film(cell_map, network.grid(), place=films.place(index))
        for index, cell_map in enumerate(cells)
    ]
    return NetworkOutputs(
        logits=torch.cat([logits for logits, *_ in parts]).double().cpu().numpy(),
        cells=cells,
        peaks=np.array(peaks),
        signatures=torch.cat([signatures for *_, signatures in parts]).float().cpu().numpy(),
    )


@torch.inference_mode()
def compute_turned_outputs(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec, *, quarter_turns: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Compute the logits, (N,), and signatures, (N, D), of turned films, without maps."""
    device = next(network.parameters()).device
    logits, signatures = [], []
    for batch in network_input_batches(films, spec, device, quarter_turns=quarter_turns):
        activations, signature = network.staged(batch)
        logits.append(network.logit(activations))
        signatures.append(signature)
    return torch.cat(logits).double().cpu().numpy(), torch.cat(signatures).float().cpu().numpy()


@torch.inference_mode()
def compute_film_signatures(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec, *, quarter_turns: int = 0
) -> NDArray[np.float32]:
    """Compute the signatures of films, (N, D), without running the head."""
    device = next(network.parameters()).device
    batches = network_input_batches(films, spec, device, quarter_turns=quarter_turns)
    parts = [network.staged(batch).signature for batch in batches]
    signatures: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
    return signatures


@torch.inference_mode()
def compute_validation_logits(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec
) -> torch.Tensor:
    """Compute logits, (N,) float32 on the CPU; the network is left in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    return torch.cat(
        [network(batch)[0].float().cpu() for batch in network_input_batches(films, spec, device)]
    )
