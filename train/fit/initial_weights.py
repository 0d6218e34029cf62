"""Initial weights: torchvision's ImageNet weights, a local features file, or a model folder."""

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

VGG_CELLS = 7 * 7  # VGG16 pools its features to 7 x 7 cells
TENSORFLOW_MOMENTUM = 0.01  # default for files that state a batch-norm eps


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWeights:
    """Local weights to start from, with licence and note for the model card.

    Attributes:
        file: Safetensors file with `features.*`, or a model folder. Other layers of the same
            shape are loaded too.
        licence: Replaces the licence in the file's metadata or in the manifest.
        note: Replaces the note in the file's metadata or in the manifest.
    """

    file: Path
    licence: str | None = None
    note: str | None = None


def build_initial_network(
    architecture: str, local: LocalWeights | None
) -> tuple[SplitNetwork, BatchNormSpec, InitialWeights]:
    """Build a network with initial features; later layers are loaded if their shapes match.

    A trained head is kept, whereas a last layer for the 1,000 ImageNet classes is not.

    Args:
        architecture: A key of ARCHITECTURES.
        local: Local weights; None downloads torchvision's IMAGENET1K_V1.

    Returns:
        The network, its batch-norm settings, and the origin of its weights.

    Raises:
        RecipeError: The file cannot be read or downloaded, does not match the architecture, or
            states no licence or note.
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
    """Load weights, batch-norm settings and origin from a model folder."""
    loaded = load_model(local.file, device=torch.device("cpu"))
    manifest = loaded.manifest
    network = build_network(architecture, batch_norm=manifest.batch_norm)
    merge_low_rank(loaded.network.backbone)  # training uses the full layers
    if manifest.architecture == architecture:
        network.load_state_dict(loaded.network.state_dict())
    else:
        _copy_fitting_weights(network, loaded.network.backbone.state_dict())
    before = manifest.initial_weights
    initial = InitialWeights(
        source=name_with_checksum(loaded.name, manifest.sha256),
        sha256=manifest.sha256,
        licence=local.licence or _combined_licence(manifest),
        note=local.note or f"a model that was initialised with {before.source}: {before.note}",
    )
    return network, manifest.batch_norm, initial


def _combined_licence(manifest: Manifest) -> str:
    """Return the licences of a model: of its initial weights and of its training films."""
    before = manifest.initial_weights.licence
    films = f"trained on {manifest.training_data.name} ({manifest.training_data.licence})"
    return before if films in before else f"{before}; {films}"


def _required_fact(name: str, option: str | None, facts: dict[str, str]) -> str:
    stated = option or facts.get(name)
    if not stated:
        raise RecipeError(
            f"--init states no {name}, which the model card needs; add --init-{name} TEXT"
        )
    return stated


def _batch_norm_of_file(facts: dict[str, str]) -> BatchNormSpec:
    """Return the batch-norm settings in a file's metadata; torchvision's defaults if none."""
    if "bn_eps" not in facts:
        return BatchNormSpec()
    momentum = float(facts.get("bn_momentum", TENSORFLOW_MOMENTUM))
    return BatchNormSpec(eps=float(facts["bn_eps"]), momentum=momentum)


def _copy_fitting_weights(network: SplitNetwork, state: dict[str, torch.Tensor]) -> None:
    """Load the features; later layers that are missing or of another shape stay random."""
    expected = network.backbone.state_dict()
    fitting = {
        name: value
        for name, value in state.items()
        if name in expected and expected[name].shape == value.shape
    }
    missing = [name for name in expected if name not in fitting and name.startswith("features.")]
    if missing:
        raise RecipeError(
            f"the initial weights lack {len(missing)} tensors, first {missing[0]}; "
            "choose a file for this architecture"
        )
    network.backbone.load_state_dict(fitting, strict=False)
    if isinstance(network.backbone, VGG) and "classifier.0.weight" not in fitting:
        initialise_as_channel_mean(network.backbone.classifier[LARGE_LAYERS[0]])
    last = next(
        name for name, value in network.backbone.named_parameters()
        if value is network.last_layer.weight
    )  # fmt: skip
    if last not in fitting:
        # torchvision's initial range of +-1/sqrt(outputs) is +-0.7 for two, with logits of +-5
        network.last_layer.reset_parameters()


@torch.no_grad()
def initialise_as_channel_mean(layer: nn.Module) -> None:
    """Initialise VGG16's fc6 with random weights on the mean of each channel over the cells.

    Separate random weights for each cell would add noise that a few thousand films cannot train
    away. The mean responds equally to a fracture anywhere; training differentiates the cells.

    Args:
        layer: Linear layer on C channels of 7 x 7 cells.
    """
    assert isinstance(layer, nn.Linear)
    channels = layer.in_features // VGG_CELLS
    weight = torch.randn(layer.out_features, channels, 1) * (2 / channels) ** 0.5 / VGG_CELLS
    layer.weight.copy_(weight.expand(-1, -1, VGG_CELLS).flatten(1))
    layer.bias.zero_()
