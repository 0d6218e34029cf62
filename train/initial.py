"""Initial weights: torchvision's ImageNet weights, a local file of features, or a model folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torchvision.models import get_model_weights

from bonefx.architectures import BatchNormSpec, SplitNetwork, build_network
from bonefx.errors import RecipeError
from bonefx.manifest import InitialWeights, Manifest
from bonefx.registry import load_model

TENSORFLOW_MOMENTUM = 0.01  # of batch norms that come with TensorFlow's eps of 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWeights:
    """Weights to start from, and what the card must say about them.

    Attributes:
        file: Safetensors of `features.*`; or a model folder, whose last layer is kept too.
        licence: Overrides what the file's metadata or the manifest say.
        note: Overrides what the file's metadata or the manifest say.
    """

    file: Path
    licence: str | None = None
    note: str | None = None


def initial_network(
    architecture: str, local: LocalWeights | None
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    """Build a network with initial features and an untrained last layer.

    A model folder gives its last layer too: training goes on from what the model knows.

    Args:
        architecture: A key of ARCHITECTURES.
        local: What to start from; None downloads torchvision's IMAGENET1K_V1.

    Raises:
        RecipeError: The file or the download cannot be had, does not fit the architecture, or
            nobody says what it is.
        WeightsError: The model folder is damaged.
    """
    if local is None:
        return _downloaded(architecture)
    return (_model if local.file.is_dir() else _local)(architecture, local)


def _downloaded(architecture: str) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    weights = get_model_weights(architecture)["IMAGENET1K_V1"]
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # no connection; another checksum
        raise RecipeError(
            f"torchvision's {architecture} IMAGENET1K_V1 could not be downloaded; give a local "
            "safetensors file with --init"
        ) from error
    network = build_network(architecture)
    _load_all_but_last_layer(network, state)
    return (
        network,
        BatchNormSpec(),
        InitialWeights(
            source=f"torchvision {weights}",
            sha256=None,
            licence="BSD-3-Clause (torchvision)",
            note="ImageNet-1k weights as torchvision distributes them",
        ),
    )


def _local(
    architecture: str, local: LocalWeights
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    try:
        with safe_open(local.file, "pt") as file:
            facts = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        digest = hashlib.sha256(local.file.read_bytes()).hexdigest()
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"--init {local.file.name} is not a readable safetensors file") from error
    initial = InitialWeights(
        source=local.file.name,
        sha256=digest,
        licence=_stated("licence", local.licence, facts),
        note=_stated("note", local.note, facts),
    )
    batch_norm = _batch_norm(facts)
    network = build_network(architecture, batch_norm=batch_norm)
    _load_all_but_last_layer(network, state)
    return network, batch_norm, initial


def _model(
    architecture: str, local: LocalWeights
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    """Go on from a model folder: its weights, its batch norms, its origin."""
    loaded = load_model(local.file, device=torch.device("cpu"))
    found = loaded.manifest
    if found.architecture != architecture:
        raise RecipeError(
            f"--init {loaded.name} is of the architecture {found.architecture}, the recipe wants "
            f"{architecture}"
        )
    network = build_network(architecture, batch_norm=found.batch_norm)
    network.load_state_dict(loaded.network.state_dict())
    before = found.initial_weights
    initial = InitialWeights(
        source=loaded.name,
        sha256=found.sha256,
        licence=local.licence or f"{before.licence}; {_data_licence(found)}",
        note=local.note
        or f"the model {loaded.name}, which began from {before.source}: {before.note}",
    )
    return network, found.batch_norm, initial


def _data_licence(found: Manifest) -> str:
    return f"trained on {found.training_data.name} ({found.training_data.licence})"


def _stated(name: str, option: str | None, facts: dict[str, str]) -> str:
    stated = option or facts.get(name)
    if not stated:
        raise RecipeError(
            f"--init does not state its {name}, and the card must; add --init-{name} TEXT"
        )
    return stated


def _batch_norm(facts: dict[str, str]) -> BatchNormSpec:
    """Read the batch-norm settings that a weights file states; torchvision's own if none."""
    if "bn_eps" not in facts:
        return BatchNormSpec()
    momentum = float(facts.get("bn_momentum", TENSORFLOW_MOMENTUM))
    return BatchNormSpec(eps=float(facts["bn_eps"]), momentum=momentum)


def _load_all_but_last_layer(network: SplitNetwork, state: dict[str, torch.Tensor]) -> None:
    """Load what fits; only classifier layers may be absent or of another shape."""
    own = network.backbone.state_dict()
    fitting = {
        name: value
        for name, value in state.items()
        if name in own and own[name].shape == value.shape
    }
    lacking = [name for name in own if name not in fitting and not name.startswith("classifier")]
    if lacking:
        raise RecipeError(
            f"the initial weights lack {len(lacking)} tensors, first {lacking[0]}; give a file for "
            "this architecture"
        )
    network.backbone.load_state_dict(fitting, strict=False)
    # torchvision draws the last layer from +-1/sqrt(outputs), +-0.7 for two: logits of +-5 at once
    network.last_layer.reset_parameters()
