"""weights/<id>/ -> checked LoadedModel. Nothing is loaded "as far as it goes"."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load

from bonefx.architectures import BatchNormSpec, SplitNetwork, architecture_of, build_network
from bonefx.errors import SettingsError, WeightsError
from bonefx.preprocess import PreprocessSpec
from bonefx.records import Calibration, OperatingPoint, Origin
from bonefx.schema import record_from

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20  # a real one has about 5,000
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
WEIGHTS = Path(__file__).parent.parent / "weights"
REMEDY = "fetch the model again, or export it with this version"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """Films of one split that were read, and how many of them are fractured or carry boxes.

    Attributes:
        unreadable: Films of the split that were left out because they cannot be read.
    """

    films: int
    fractured: int
    with_boxes: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model was trained and validated on.

    Attributes:
        label_meaning: What a film with the positive label shows.
        left_out: Films that the set holds and nobody used, by their publisher's own mark.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    counts: dict[str, SplitCounts]
    label_meaning: str = "fracture"
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialWeights:
    """Where training started from.

    Attributes:
        source: A torchvision weights name, or the name of a local file.
        sha256: Checksum of the local file; None for a download, whose name carries its own.
        licence: As far as the source states it.
        note: What a card must say about them.
    """

    source: str
    sha256: str | None
    licence: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model folder says about itself; written by train/export.py alone.

    Attributes:
        id: What users call the model, and part of file names: letters, digits, ".", "_" and "-".
        file: Name of the weights file beside the manifest; safetensors only.
        bytes: Its size.
        sha256: Its checksum.
        cam_layer: Layer whose output the heat map weighs.
        heat_floor: Raw map peak, in logits, below which no map is shown; set on validation films.
        float16_drift: Largest change of the probability on validation films by storing float16.
        scope: Statistics for refusing what is no bone film; None until a model carries them.
        recipe_sha256: Checksum of the recipe file that the model was trained by.
        created: Date of the export, ISO 8601.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    schema_version: int
    id: str
    architecture: str
    file: str
    bytes: int
    sha256: str
    preprocess: PreprocessSpec
    batch_norm: BatchNormSpec
    cam_layer: str
    heat_floor: float
    float16_drift: float
    calibration: Calibration
    operating_points: tuple[OperatingPoint, ...]
    default_point: str
    scope: None
    training_data: TrainingData
    initial_weights: InitialWeights
    recipe_sha256: str
    libraries: dict[str, str]
    created: str

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise WeightsError(
                f"manifest of schema {self.schema_version}, this version reads {SCHEMA_VERSION}; "
                f"{REMEDY}"
            )
        if not PLAIN_NAME.fullmatch(self.id):
            raise WeightsError(f"{self.id!r} is no plain model id; use letters, digits, . _ and -")
        if not (PLAIN_NAME.fullmatch(self.file) and self.file.endswith(".safetensors")):
            raise WeightsError(
                f"file {self.file!r} is not a safetensors file beside its manifest; pickles and "
                f"other folders are not read; {REMEDY}"
            )
        architecture = architecture_of(self.architecture)
        if self.cam_layer != architecture.cam_layer:
            raise WeightsError(
                f"cam_layer {self.cam_layer!r} is not where {self.architecture} is cut "
                f"({architecture.cam_layer!r}); {REMEDY}"
            )
        if self.default_point not in [point.name for point in self.operating_points]:
            raise WeightsError(f"no operating point is called {self.default_point!r}; {REMEDY}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class LoadedModel:
    """A checked network in evaluation mode, with all that its manifest says.

    Attributes:
        network: Frozen, on its device.
        manifest: What the folder says about itself.
        device: Where the network lies.
        origin: Where the folder was fetched from; None for one of this machine's own.
    """

    network: SplitNetwork
    manifest: Manifest
    device: torch.device
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


def full_precision() -> None:
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
    full_precision()
    manifest = read_manifest(folder)
    if origin is None and manifest.id != folder.name:
        raise WeightsError(f"{folder.name} holds the model {manifest.id!r}; name the folder so")
    content = _checked_content(folder / manifest.file, manifest)
    network = build_network(manifest.architecture, batch_norm=manifest.batch_norm)
    try:
        network.backbone.load_state_dict(as_float32(load(content)), strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{folder.name}/{manifest.file} does not hold the tensors of "
            f"{manifest.architecture}; {REMEDY}"
        ) from error
    network.requires_grad_(False).eval()
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return LoadedModel(network=network, manifest=manifest, device=device, origin=origin)


def as_float32(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Widen stored floats, and leave counts as they are."""
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }


def read_manifest(folder: Path) -> Manifest:
    """Read and check a model folder's manifest.

    Raises:
        WeightsError: It is missing, too large, not JSON, or has unknown or wrong entries.
    """
    path = folder / MANIFEST
    source = f"{folder.name}/{MANIFEST}"
    try:
        check_manifest_size(path.stat().st_size, source=source)
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"no model at {folder.name}: {source} is missing; {REMEDY}") from error
    except ValueError as error:
        raise WeightsError(f"{source} is not JSON; {REMEDY}") from error
    return record_from(Manifest, table, source=source, error=WeightsError, remedy=REMEDY)


def check_manifest_size(size: int, *, source: str) -> None:
    """Refuse a manifest that is none by its size, before it is fetched or parsed.

    Args:
        size: Of the file, in bytes.
        source: Name of the file, for the message.

    Raises:
        WeightsError: It is larger than any manifest.
    """
    if size > MAX_MANIFEST_BYTES:
        raise WeightsError(
            f"{source} has {size} bytes, a manifest has at most {MAX_MANIFEST_BYTES}; {REMEDY}"
        )


def _checked_content(path: Path, manifest: Manifest) -> bytes:
    """Read a weights file and compare it with its manifest, before a byte is interpreted."""
    name = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise WeightsError(f"{name} is missing; {REMEDY}")
    content = path.read_bytes()
    if len(content) != manifest.bytes:
        raise WeightsError(
            f"{name} has {len(content)} bytes, its manifest says {manifest.bytes}; {REMEDY}"
        )
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise WeightsError(f"{name} has another SHA-256 than its manifest says; {REMEDY}")
    return content
