"""Weights in a run's folder: the best epoch's weights and the compressed weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bonefx.errors import RecipeError
from bonefx.models.architectures import restore_network
from bonefx.models.low_rank import Ranks
from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import as_float32
from train.files import write_atomically
from train.fit.run_folder import RunFacts

BEST_FILE = "best.safetensors"
COMPRESSED_FILE = "compressed.safetensors"


def save_best(run: Path, network: SplitNetwork) -> None:
    """Write the best weights so far, in float32 with torchvision's names."""
    state = {
        name: value.detach().cpu().contiguous()
        for name, value in network.backbone.state_dict().items()
    }
    write_atomically(run / BEST_FILE, lambda part: save_file(state, part))


def load_best(run: Path, facts: RunFacts, *, float16: bool) -> SplitNetwork:
    """Load a run's best weights into a frozen float32 network in evaluation mode.

    Args:
        run: Folder of the run.
        facts: What read_facts returned.
        float16: Round the weights as in an export: kernels and matrices to float16; vectors
            (norms and biases), 2 % of the bytes, stay float32, since they may need its range.

    Raises:
        RecipeError: No epoch of the last stage has finished yet.
    """
    return _build_frozen_network(facts, read_best_state(run, float16=float16))


def read_best_state(run: Path, *, float16: bool) -> dict[str, torch.Tensor]:
    """Read the best weights by torchvision's names; see load_best."""
    if not (run / BEST_FILE).is_file():
        raise RecipeError(
            f"{run.name} has no {BEST_FILE} yet; "
            "wait until fit has finished an epoch of the last stage"
        )
    state = load_file(run / BEST_FILE)
    return round_to_float16(state) if float16 else state


def save_compressed(run: Path, network: SplitNetwork) -> None:
    """Write the compressed weights, with the checksum of the best weights as metadata."""
    state = {name: value.contiguous() for name, value in network.backbone.state_dict().items()}
    facts = {"of": compute_best_sha256(run)}
    write_atomically(run / COMPRESSED_FILE, lambda part: save_file(state, part, metadata=facts))


def has_compressed(run: Path) -> bool:
    """Whether compressed weights exist that belong to the current best weights."""
    path = run / COMPRESSED_FILE
    if not path.is_file():
        return False
    with safe_open(path, "pt") as file:
        return bool((file.metadata() or {}).get("of") == compute_best_sha256(run))


def load_compressed(run: Path, facts: RunFacts, *, float16: bool) -> SplitNetwork:
    """Load a run's compressed weights; see load_best.

    Raises:
        RecipeError: There are none, or they belong to earlier best weights.
    """
    state = read_compressed_state(run, float16=float16)
    return _build_frozen_network(facts, state, head_ranks=facts.recipe.head_ranks)


def read_compressed_state(run: Path, *, float16: bool) -> dict[str, torch.Tensor]:
    """Read the compressed weights by name; see load_compressed."""
    if not has_compressed(run):
        raise RecipeError(f"{run.name} has no compressed weights; evaluate it, or use --full")
    state = load_file(run / COMPRESSED_FILE)
    return round_to_float16(state) if float16 else state


def _build_frozen_network(
    facts: RunFacts, state: dict[str, torch.Tensor], *, head_ranks: Ranks | None = None
) -> SplitNetwork:
    return restore_network(
        facts.recipe.architecture, as_float32(state),
        batch_norm=facts.batch_norm, head_ranks=head_ranks,
    )  # fmt: skip


def round_to_float16(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Round kernels and matrices to float16; see load_best."""
    return {name: value.half() if value.ndim > 1 else value for name, value in state.items()}


def compute_best_sha256(run: Path) -> str:
    """Compute the checksum of a run's best weights file."""
    return hashlib.sha256((run / BEST_FILE).read_bytes()).hexdigest()
