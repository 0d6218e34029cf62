"""Load weights/<id>/ into a checked LoadedModel. A partly valid folder is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load

from bonefx import data_folder
from bonefx.environment import variable
from bonefx.errors import MODEL_REMEDY, SettingsError, WeightsError
from bonefx.models.architectures import restore_network
from bonefx.models.manifest import MANIFEST, Manifest, read_manifest
from bonefx.models.networks import (
    AllOrientations,
    SplitNetwork,
    compute_signatures,
    in_orientations,
    single_orientation,
)
from bonefx.models.onnx_network import OnnxNetwork, cache_folder
from bonefx.models.preprocess import to_batch
from bonefx.records import OperatingPoint, Origin, Radiograph
from bonefx.scope.statistics import Scope, read_scope

WEIGHTS = data_folder("weights")
ENGINES = ONNX_ENGINE, TORCH_ENGINE = "onnx", "torch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class LoadedModel:
    """A checked network in evaluation mode, with its manifest.

    Attributes:
        network: Frozen, on its device.
        folder: Folder of the model; card and evaluation are in it too, if there are any.
        manifest: Description of the model.
        device: Device of the network.
        scope: Statistics of the scope check; None if the folder has none: such a model reads no
            film.
        origin: Repository and commit of a downloaded model; None for a local folder.
    """

    network: SplitNetwork
    folder: Path
    manifest: Manifest
    device: torch.device
    scope: Scope | None = None
    origin: Origin | None = None

    @property
    def name(self) -> str:
        """The id, with the commit of a downloaded model, so that a local one of that id differs."""
        if self.origin is None:
            return self.manifest.id
        return f"{self.manifest.id}@{self.origin.commit[:8]}"

    def point(self, name: str | None = None) -> OperatingPoint:
        """Return an operating point by name; None gives the default of the manifest.

        Raises:
            SettingsError: The model has no such point.
        """
        requested = name or self.manifest.default_point
        for point in self.manifest.operating_points:
            if point.name == requested:
                return point
        names = ", ".join(point.name for point in self.manifest.operating_points)
        raise SettingsError(f"{self.name} has no operating point {requested!r}; use {names}")

    def batch(self, films: Sequence[Radiograph]) -> torch.Tensor:
        """Return the network's input for N films, (N, 3, S, S), on its device."""
        return to_batch(list(films), self.manifest.preprocess).to(
            self.device, memory_format=torch.channels_last
        )

    def signatures(self, films: Sequence[Radiograph]) -> NDArray[np.float32]:
        """Compute the signatures of N films, (N, D); see networks.compute_signatures."""
        return compute_signatures(self.network, films, self.manifest.preprocess)


def weights_folder(requested: Path | None = None) -> Path:
    """Return the folder of models: requested, else BONEFX_WEIGHTS, else that of the checkout."""
    return requested or Path(variable("BONEFX_WEIGHTS") or WEIGHTS)


def model_ids(weights: Path) -> list[str]:
    """Return the ids of all models in a weights folder, sorted."""
    return sorted(path.parent.name for path in weights.glob(f"*/{MANIFEST}"))


def pick_device(requested: str | None = None) -> torch.device:
    """Return the device of the networks: requested, else BONEFX_DEVICE, else auto.

    Args:
        requested: "cpu", "cuda", "cuda:1", "mps" or "auto" (a GPU if there is one); None reads
            BONEFX_DEVICE.

    Raises:
        SettingsError: This machine has no such device.
    """
    device_name = requested or variable("BONEFX_DEVICE") or "auto"
    if device_name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(device_name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(
            f"this machine has no device {device_name!r}; use cpu or auto"
        ) from error
    return device


def pick_engine(requested: str | None = None) -> str:
    """Return what runs the networks on a CPU: requested, else BONEFX_ENGINE, else onnx.

    Raises:
        SettingsError: There is no such engine.
    """
    engine = requested or variable("BONEFX_ENGINE") or ONNX_ENGINE
    if engine not in ENGINES:
        raise SettingsError(f"unknown engine {engine!r}; use {' or '.join(ENGINES)}")
    return engine


def on_engine(model: LoadedModel, engine: str) -> LoadedModel:
    """Return a model that runs on an engine; see network_on_engine."""
    network = network_on_engine(
        model.network, engine, name=model.name, key=model.manifest.sha256,
        size_px=model.manifest.preprocess.size_px,
    )  # fmt: skip
    return model if network is model.network else replace(model, network=network)


def network_on_engine(
    network: SplitNetwork, engine: str, *, name: str, key: str, size_px: int
) -> SplitNetwork:
    """Return a network that runs on an engine; on a GPU every network runs in PyTorch.

    Args:
        network: Frozen, in evaluation mode.
        engine: One of ENGINES.
        name: Name of the model, for the log.
        key: Checksum of the weights file.
        size_px: Side of the network's input.
    """
    if engine != ONNX_ENGINE or next(network.parameters()).device.type != "cpu":
        return network
    single = single_orientation(network)
    exported = OnnxNetwork(single, name=name, key=key, size_px=size_px, cache=cache_folder())
    return exported if single is network else AllOrientations(exported)


def disable_tf32() -> None:
    """Disable TF32 on GPUs, so that logits match across devices."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def load_model(folder: Path, *, device: torch.device, origin: Origin | None = None) -> LoadedModel:
    """Load a model folder and check its manifest, checksums and tensors.

    Args:
        folder: Folder with manifest.json and the weights file that it names.
        device: Device to load the network onto.
        origin: Repository and commit of a downloaded folder, which is named by its commit; for
            None the name of the folder must be the id of the model.

    Raises:
        WeightsError: A file is missing, damaged or does not match; the message names it.
    """
    disable_tf32()
    manifest = read_manifest(folder)
    if origin is None and manifest.id != folder.name:
        raise WeightsError(
            f"the folder {folder.name} holds the model {manifest.id!r}; rename the folder to that"
        )
    network = load_network(folder, manifest, device=device)
    return LoadedModel(
        network=network, folder=folder, manifest=manifest, device=device,
        scope=_load_scope(folder, manifest), origin=origin,
    )  # fmt: skip


def load_network(folder: Path, manifest: Manifest, *, device: torch.device) -> SplitNetwork:
    """Load only the network of a model folder, in evaluation mode and frozen.

    Raises:
        WeightsError: The file is missing, damaged, or of another architecture.
    """
    content = read_checked(folder / manifest.file, size=manifest.bytes, sha256=manifest.sha256)
    try:
        network = restore_network(
            manifest.architecture, as_float32(load(content)),
            batch_norm=manifest.batch_norm, head_ranks=manifest.head_ranks,
        )  # fmt: skip
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{folder.name}/{manifest.file} does not hold the tensors of "
            f"{manifest.architecture}; {MODEL_REMEDY}"
        ) from error
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return in_orientations(network, manifest.orientations)


def _load_scope(folder: Path, manifest: Manifest) -> Scope | None:
    entry = manifest.scope
    if entry is None:
        return None
    content = read_checked(folder / entry.file, size=entry.bytes, sha256=entry.sha256)
    return read_scope(content, source=f"{folder.name}/{entry.file}")


def as_float32(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convert floating-point tensors to float32; return integer tensors unchanged."""
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }


def read_checked(path: Path, *, size: int, sha256: str) -> bytes:
    """Read a file and check its size and checksum before its content is interpreted.

    Raises:
        WeightsError: The file is missing, or differs from its manifest.
    """
    name = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise WeightsError(f"{name} is missing; {MODEL_REMEDY}")
    content = path.read_bytes()
    if len(content) != size:
        raise WeightsError(
            f"{name} has {len(content)} bytes, its manifest says {size}; {MODEL_REMEDY}"
        )
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"{name} has another SHA-256 than its manifest says; {MODEL_REMEDY}")
    return content
