"""weights/<id>/manifest.json: the description of a model, read and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from bonefx.errors import MODEL_REMEDY, WeightsError
from bonefx.models.architectures import BatchNormSpec, architecture_of
from bonefx.models.low_rank import Ranks
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import Calibration, OperatingPoint, TrustLimits
from bonefx.records.model import TrainingData
from bonefx.schema import parse_record

MANIFEST_SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20  # real manifests have about 5,000
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialWeights:
    """The weights that training started from.

    Attributes:
        source: A torchvision weights name, or the name of a local file.
        sha256: Checksum of the local file; None for a download, whose name carries its own.
        licence: As far as the source states it.
        note: Text about them for the model card.
    """

    source: str
    sha256: str | None
    licence: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFile:
    """File with the statistics of the scope check; see bonefx.scope.statistics.Scope.

    Attributes:
        file: Name of the file beside the manifest; safetensors only.
        bytes: Size of the file.
        sha256: Checksum of the file.
    """

    file: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        check_safetensors_name(self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Description of a model; written only by train/publish/export.py.

    Attributes:
        id: Name of the model, also in file names: letters, digits, ".", "_" and "-".
        file: Name of the weights file beside the manifest; safetensors only.
        bytes: Size of the weights file.
        sha256: Checksum of the weights file.
        cam_layer: Layer whose output the heat map weights.
        heat_floor: Raw map peak, in logits, below which no map is shown; set on validation films.
        trust: Limits that a heat map is checked against; None if they were not measured.
        float16_drift: Largest change of the probability on validation films by storing float16,
            in [0, 1].
        scope: Statistics for refusing pictures that are not bone films; a model without them reads
            no film.
        recipe_sha256: Checksum of the recipe file of the training.
        head_ranks: Ranks of fc6 and fc7 of a VGG; None for full layers.
        orientations: In how many orientations the network reads a film: 1, as it is, or 4; see
            bonefx.models.networks.
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
    scope: ScopeFile | None
    training_data: TrainingData
    initial_weights: InitialWeights
    recipe_sha256: str
    libraries: dict[str, str]
    created: str
    trust: TrustLimits | None = None
    head_ranks: Ranks | None = None
    orientations: Literal[1, 4] = 1

    def __post_init__(self) -> None:
        if self.schema_version != MANIFEST_SCHEMA_VERSION:
            raise WeightsError(
                f"the manifest has schema {self.schema_version}, this version reads "
                f"{MANIFEST_SCHEMA_VERSION}; {MODEL_REMEDY}"
            )
        if not PLAIN_NAME.fullmatch(self.id):
            raise WeightsError(
                f"{self.id!r} is not a plain model id; use letters, digits, . _ and -"
            )
        check_safetensors_name(self.file)
        architecture = architecture_of(self.architecture)
        if self.cam_layer != architecture.cam_layer:
            raise WeightsError(
                f"cam_layer is {self.cam_layer!r}, but the heat map of {self.architecture} is "
                f"taken at {architecture.cam_layer!r}; {MODEL_REMEDY}"
            )
        if self.default_point not in [point.name for point in self.operating_points]:
            raise WeightsError(
                f"no operating point is called {self.default_point!r}; {MODEL_REMEDY}"
            )


def name_with_checksum(name: str, sha256: str | None) -> str:
    """Return a model id with the checksum of its weights, because an id outlives its weights."""
    return f"{name} (weights SHA-256 {sha256[:8]})" if sha256 else name


def check_safetensors_name(file: str) -> None:
    """Check that a manifest names a safetensors file in its own folder.

    Raises:
        WeightsError: It names another kind of file or another folder.
    """
    if not (PLAIN_NAME.fullmatch(file) and file.endswith(".safetensors")):
        raise WeightsError(
            f"file {file!r} is not a safetensors file beside its manifest; pickles and other "
            f"folders are not read; {MODEL_REMEDY}"
        )


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model folder.

    Raises:
        WeightsError: The manifest is missing, too large, not JSON, or has unknown or wrong
            entries.
    """
    path = folder / MANIFEST
    source = f"{folder.name}/{MANIFEST}"
    try:
        check_manifest_size(path.stat().st_size, source=source)
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"no model at {folder.name}: {source} is missing; {MODEL_REMEDY}"
        ) from error
    except ValueError as error:
        raise WeightsError(f"{source} is not JSON; {MODEL_REMEDY}") from error
    return parse_record(Manifest, table, source=source, error=WeightsError, remedy=MODEL_REMEDY)


def check_manifest_size(size: int, *, source: str) -> None:
    """Refuse a file that is too large for a manifest, before it is downloaded or parsed.

    Args:
        size: Size of the file in bytes.
        source: Name of the file, for the message.

    Raises:
        WeightsError: The file is larger than MAX_MANIFEST_BYTES.
    """
    if size > MAX_MANIFEST_BYTES:
        raise WeightsError(
            f"{source} has {size} bytes, a manifest has at most {MAX_MANIFEST_BYTES}; "
            f"{MODEL_REMEDY}"
        )
