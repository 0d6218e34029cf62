"""weights/<id>/ -> checked LoadedModel. Nothing is loaded "as far as it goes"."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load

from bonefx import data_folder
from bonefx.errors import SettingsError, WeightsError
from bonefx.models.architectures import build_network
from bonefx.models.manifest import MANIFEST, REMEDY, Manifest, read_manifest
from bonefx.models.networks import SplitNetwork, compute_signatures
from bonefx.records import OperatingPoint, Origin, Radiograph
from bonefx.scope.statistics import Scope, read_scope

WEIGHTS = data_folder("weights")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class LoadedModel:
    """A checked network in evaluation mode, with all that its manifest says.

    Attributes:
        network: Frozen, on its device.
        folder: Where it was loaded from; card and evaluation lie there too, where it has them.
        manifest: What the folder says about itself.
        device: Where the network lies.
        scope: What the model refuses films by; None where its folder has none: it reads no film.
        origin: Where the folder was fetched from; None for one of this machine's own.
    """

    network: SplitNetwork
    folder: Path
    manifest: Manifest
    device: torch.device
    scope: Scope | None = None
    origin: Origin | None = None

    @property
    def name(self) -> str:
        """Its id, and the commit if it was fetched, so that it stands beside its original."""
        if self.origin is None:
            return self.manifest.id
        return f"{self.manifest.id}@{self.origin.commit[:8]}"

    def point(self, name: str | None = None) -> OperatingPoint:
        """Look an operating point up by name; None gives the manifest's default.

        Raises:
            SettingsError: The model has no such point.
        """
        wanted = name or self.manifest.default_point
        for point in self.manifest.operating_points:
            if point.name == wanted:
                return point
        names = ", ".join(point.name for point in self.manifest.operating_points)
        raise SettingsError(f"{self.name} has no operating point {wanted!r}; use {names}")

    def signatures(self, films: Sequence[Radiograph]) -> NDArray[np.float32]:
        """Compute the signatures of N films, (N, D); see networks.compute_signatures."""
        return compute_signatures(self.network, films, self.manifest.preprocess)


def weights_folder(requested: Path | None = None) -> Path:
    """Choose the folder of models: as asked, as BONEFX_WEIGHTS says, else the checkout's own."""
    return requested or Path(os.environ.get("BONEFX_WEIGHTS") or WEIGHTS)


def model_ids(weights: Path) -> list[str]:
    """List the ids of all models in a weights folder, by name."""
    return sorted(path.parent.name for path in weights.glob(f"*/{MANIFEST}"))


def pick_device(requested: str | None = None) -> torch.device:
    """Choose where networks run: as asked, as BONEFX_DEVICE says, else a GPU if there is one.

    Args:
        requested: "cpu", "cuda", "cuda:1", "mps" or "auto"; None asks the environment.

    Raises:
        SettingsError: There is no such device here.
    """
    wanted = requested or os.environ.get("BONEFX_DEVICE") or "auto"
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"device {wanted!r} cannot be had here; use cpu or auto") from error
    return device


def disable_tf32() -> None:
    """Keep float32 products whole on GPUs, so that a film has one logit everywhere."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def load_model(folder: Path, *, device: torch.device, origin: Origin | None = None) -> LoadedModel:
    """Load one model folder, checked from manifest to last tensor.

    Args:
        folder: Holds manifest.json and the weights file that it names.
        device: Where the network shall lie.
        origin: Of a fetched folder, which is named after its commit; None holds the folder's name
            to the model's id.

    Raises:
        WeightsError: Something is missing, damaged or does not fit; the message says what.
    """
    disable_tf32()
    manifest = read_manifest(folder)
    if origin is None and manifest.id != folder.name:
        raise WeightsError(f"{folder.name} holds the model {manifest.id!r}; name the folder so")
    network = load_network(folder, manifest, device=device)
    return LoadedModel(
        network=network, folder=folder, manifest=manifest, device=device,
        scope=_scope(folder, manifest), origin=origin,
    )  # fmt: skip


def load_network(folder: Path, manifest: Manifest, *, device: torch.device) -> SplitNetwork:
    """Load the weights of a model folder alone, in evaluation mode and frozen.

    Raises:
        WeightsError: The file is missing, damaged, or of another architecture.
    """
    content = read_checked(folder / manifest.file, size=manifest.bytes, sha256=manifest.sha256)
    network = build_network(
        manifest.architecture, batch_norm=manifest.batch_norm, head_ranks=manifest.head_ranks
    )
    try:
        network.backbone.load_state_dict(as_float32(load(content)), strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{folder.name}/{manifest.file} does not hold the tensors of "
            f"{manifest.architecture}; {REMEDY}"
        ) from error
    network.requires_grad_(False).eval()
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _scope(folder: Path, manifest: Manifest) -> Scope | None:
    stated = manifest.scope
    if stated is None:
        return None
    content = read_checked(folder / stated.file, size=stated.bytes, sha256=stated.sha256)
    return read_scope(content, source=f"{folder.name}/{stated.file}")


def as_float32(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Widen stored floats, and leave counts as they are."""
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }


def read_checked(path: Path, *, size: int, sha256: str) -> bytes:
    """Read a file and compare it with its manifest, before a byte is interpreted.

    Raises:
        WeightsError: It is missing, or not as stated.
    """
    name = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise WeightsError(f"{name} is missing; {REMEDY}")
    content = path.read_bytes()
    if len(content) != size:
        raise WeightsError(f"{name} has {len(content)} bytes, its manifest says {size}; {REMEDY}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"{name} has another SHA-256 than its manifest says; {REMEDY}")
    return content
