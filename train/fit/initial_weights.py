"""Initial weights: torchvision's ImageNet weights, a local file of features, or a model folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torchvision.models import VGG, get_model_weights

from bonefx.errors import RecipeError
from bonefx.models.architectures import BatchNormSpec, architecture_of, build_network
from bonefx.models.low_rank import LARGE_LAYERS, merge_low_rank
from bonefx.models.manifest import InitialWeights, Manifest, name_with_checksum
from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import load_model

VGG_CELLS = 7 * 7  # that VGG16's features are pooled to
TENSORFLOW_MOMENTUM = 0.01  # of batch norms that come with TensorFlow's eps of 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWeights:
    """Weights to start from, and what the card must say about them.

    Attributes:
        file: Safetensors of `features.*`, or a model folder. A head whose layers fit is kept.
        licence: Overrides what the file's metadata or the manifest say.
        note: Overrides what the file's metadata or the manifest say.
    """

    file: Path
    licence: str | None = None
    note: str | None = None


def build_initial_network(
    architecture: str, local: LocalWeights | None
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    """Build a network with initial features; layers behind them are taken where they fit.

    So training goes on from what a model knows, and a last layer of ImageNet's classes is left out.

    Args:
        architecture: A key of ARCHITECTURES.
        local: What to start from; None downloads torchvision's IMAGENET1K_V1.

    Raises:
        RecipeError: The file or the download cannot be had, does not fit the architecture, or
            nobody says what it is.
        WeightsError: The model folder is damaged.
    """
    if local is None:
        return _download_initial(architecture)
    return (_load_model_folder if local.file.is_dir() else _load_features_file)(architecture, local)


def _download_initial(architecture: str) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    published = architecture_of(architecture).pretrained
    weights = get_model_weights(published)["IMAGENET1K_V1"]
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # no connection; another checksum
        raise RecipeError(
            f"torchvision's {published} IMAGENET1K_V1 could not be downloaded; give a local "
            "safetensors file with --init"
        ) from error
    network = build_network(architecture)
    _copy_fitting_weights(network, state)
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


def _load_features_file(
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
        licence=_required_fact("licence", local.licence, facts),
        note=_required_fact("note", local.note, facts),
    )
    batch_norm = _batch_norm_of_file(facts)
    network = build_network(architecture, batch_norm=batch_norm)
    _copy_fitting_weights(network, state)
    return network, batch_norm, initial


def _load_model_folder(
    architecture: str, local: LocalWeights
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    """Go on from a model folder: its weights, its batch norms, its origin."""
    loaded = load_model(local.file, device=torch.device("cpu"))
    found = loaded.manifest
    network = build_network(architecture, batch_norm=found.batch_norm)
    merge_low_rank(loaded.network.backbone)  # fits the layers that are trained
    if found.architecture == architecture:
        network.load_state_dict(loaded.network.state_dict())
    else:
        _copy_fitting_weights(network, loaded.network.backbone.state_dict())
    before = found.initial_weights
    initial = InitialWeights(
        source=name_with_checksum(loaded.name, found.sha256),
        sha256=found.sha256,
        licence=local.licence or _combined_licence(found),
        note=local.note or f"a model that began from {before.source}: {before.note}",
    )
    return network, found.batch_norm, initial


def _combined_licence(found: Manifest) -> str:
    """Name the licences that a model stands under: of what it began from, and of its films."""
    before = found.initial_weights.licence
    films = f"trained on {found.training_data.name} ({found.training_data.licence})"
    return before if films in before else f"{before}; {films}"


def _required_fact(name: str, option: str | None, facts: dict[str, str]) -> str:
    stated = option or facts.get(name)
    if not stated:
        raise RecipeError(
            f"--init does not state its {name}, and the card must; add --init-{name} TEXT"
        )
    return stated


def _batch_norm_of_file(facts: dict[str, str]) -> BatchNormSpec:
    """Read the batch-norm settings that a weights file states; torchvision's own if none."""
    if "bn_eps" not in facts:
        return BatchNormSpec()
    momentum = float(facts.get("bn_momentum", TENSORFLOW_MOMENTUM))
    return BatchNormSpec(eps=float(facts["bn_eps"]), momentum=momentum)


def _copy_fitting_weights(network: SplitNetwork, state: dict[str, torch.Tensor]) -> None:
    """Load the features; what follows them may be absent or of another shape, and starts anew."""
    own = network.backbone.state_dict()
    fitting = {
        name: value
        for name, value in state.items()
        if name in own and own[name].shape == value.shape
    }
    lacking = [name for name in own if name not in fitting and name.startswith("features.")]
    if lacking:
        raise RecipeError(
            f"the initial weights lack {len(lacking)} tensors, first {lacking[0]}; give a file for "
            "this architecture"
        )
    network.backbone.load_state_dict(fitting, strict=False)
    if isinstance(network.backbone, VGG) and "classifier.0.weight" not in fitting:
        initialise_as_channel_mean(network.backbone.classifier[LARGE_LAYERS[0]])
    last = next(
        name for name, value in network.backbone.named_parameters()
        if value is network.last_layer.weight
    )  # fmt: skip
    if last not in fitting:
        # torchvision draws the last layer from +-1/sqrt(outputs), +-0.7 for two: logits of +-5
        network.last_layer.reset_parameters()


@torch.no_grad()
def initialise_as_channel_mean(layer: nn.Module) -> None:
    """Start VGG16's fc6 as a random look at each channel's mean over the cells.

    A random weight for each of its cells would be noise that a few thousand films cannot train
    away; the mean answers alike wherever a fracture lies, and training tells the cells apart.

    Args:
        layer: Linear, from C channels of 7 x 7 cells.
    """
    assert isinstance(layer, nn.Linear)
    channels = layer.in_features // VGG_CELLS
    weight = torch.randn(layer.out_features, channels, 1) * (2 / channels) ** 0.5 / VGG_CELLS
    layer.weight.copy_(weight.expand(-1, -1, VGG_CELLS).flatten(1))
    layer.bias.zero_()
