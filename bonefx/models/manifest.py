"""weights/<id>/manifest.json: what a model folder says about itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from bonefx.errors import WeightsError
from bonefx.models.architectures import BatchNormSpec, architecture_of
from bonefx.models.low_rank import Ranks
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import Calibration, OperatingPoint, TrustLimits
from bonefx.records.model import TrainingData
from bonefx.schema import parse_record

MANIFEST_SCHEMA_VERSION = 1


MANIFEST = "manifest.json"


MAX_MANIFEST_BYTES = 1 << 20  # a real one has about 5,000


PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


REMEDY = "fetch the model again, or export it with this version"


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
class ScopeFile:
    """Where a model keeps the statistics that it refuses films by; see scope.Scope.

    Attributes:
        file: Name of the file beside the manifest; safetensors only.
        bytes: Its size.
        sha256: Its checksum.
    """

    file: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        check_safetensors_name(self.file)


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
        trust: What a map must hold to be believed; None for a model that was not measured so.
        float16_drift: Largest change of the probability on validation films by storing float16.
        scope: Statistics for refusing what is no bone film; a model without reads no film.
        recipe_sha256: Checksum of the recipe file that the model was trained by.
        head_ranks: Directions that are kept of a VGG's fc6 and fc7; None where they are whole.
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

    def __post_init__(self) -> None:
        if self.schema_version != MANIFEST_SCHEMA_VERSION:
            raise WeightsError(
                f"manifest of schema {self.schema_version}, this version reads "
                f"{MANIFEST_SCHEMA_VERSION}; {REMEDY}"
            )
        if not PLAIN_NAME.fullmatch(self.id):
            raise WeightsError(f"{self.id!r} is no plain model id; use letters, digits, . _ and -")
        check_safetensors_name(self.file)
        architecture = architecture_of(self.architecture)
        if self.cam_layer != architecture.cam_layer:
            raise WeightsError(
                f"cam_layer {self.cam_layer!r} is not where {self.architecture} is cut "
                f"({architecture.cam_layer!r}); {REMEDY}"
            )
        if self.default_point not in [point.name for point in self.operating_points]:
            raise WeightsError(f"no operating point is called {self.default_point!r}; {REMEDY}")


def name_with_checksum(name: str, sha256: str | None) -> str:
    """Name a model with its weights' checksum, where one is known: ids stay, weights change."""
    return f"{name} (weights SHA-256 {sha256[:8]})" if sha256 else name


def check_safetensors_name(file: str) -> None:
    """Refuse what is no safetensors file beside the manifest that names it.

    Raises:
        WeightsError: It is another kind of file, or lies elsewhere.
    """
    if not (PLAIN_NAME.fullmatch(file) and file.endswith(".safetensors")):
        raise WeightsError(
            f"file {file!r} is not a safetensors file beside its manifest; pickles and other "
            f"folders are not read; {REMEDY}"
        )


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
    return parse_record(Manifest, table, source=source, error=WeightsError, remedy=REMEDY)


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
