"""Sample photographs, scanned pages, slices and other examinations inside Python packages."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import RecipeError
from train.evaluate.scope.intruders.picture import REPORTED, Intruder, half, numbered, parts

if TYPE_CHECKING:
    from pydicom import Dataset

Place = tuple[str, str]
PHOTOGRAPHS: tuple[Place, ...] = (  # package and file, in a fixed order
    *(("sklearn.datasets", f"images/{name}.jpg") for name in ("china", "flower")),
    *(
        ("skimage.data", name)
        for name in (
            "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png",
            "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png",
            "motorcycle_left.png", "retina.jpg", "rocket.jpg",
        )
    ),
    *(
        ("gradio", f"media_assets/images/{name}")
        for name in ("cheetah1.jpg", "groot.jpeg", "lion.jpg", "tower.jpg", "bus.png")
    ),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)  # fmt: skip
PAGES: tuple[Place, ...] = (("skimage.data", "page.png"), ("skimage.data", "text.png"))
SILHOUETTES: tuple[Place, ...] = (("skimage.data", "horse.png"), ("skimage.data", "phantom.png"))
SLICES: tuple[Place, ...] = tuple(
    ("pydicom.data", f"test_files/{name}.dcm")
    for name in ("CT_small", "693_J2KI", "J2K_pixelrep_mismatch", "MR_small", "examples_overlay",
                 "JPEG2000")
)  # fmt: skip
MR_RAW: Place = ("matplotlib", "mpl-data/sample_data/s1045.ima.gz")  # (256, 256), 16 bit
MORE_SLICES, ULTRASOUND, CHEST = (
    tuple(("data_store", f"data/{name}.dcm") for name in names)
    for names in (
        ("MR2_UNCR", "eCT_Supplemental", "MR-SIEMENS-DICOM-WithOverlays"),
        ("US1_UNCR", "gdcm-US-ALOKA-16", "OBXXXX1A", "JPGLosslessP14SV1_1s_1f_8b"),
        ("RG1_UNCR",),
    )
)
WINDOWS = ((0.0, 100.0), (1.0, 99.0), (30.0, 99.5))  # percentiles shown black and white


def find_intruders(name: str) -> list[Intruder]:
    """Give the pictures of one half of each kind.

    Args:
        name: One of picture.HALVES.

    Raises:
        RecipeError: A package is not installed.
    """
    pictures = numbered("photographs", _whole_and_parts(half(PHOTOGRAPHS, name)))
    pictures += numbered("documents", _whole_and_parts(half(PAGES, name)))
    pictures += numbered("drawings", _whole_and_parts(half(SILHOUETTES, name)))
    pictures += numbered("CT and MR slices", _saved(half((*SLICES, MR_RAW, *MORE_SLICES), name)))
    pictures += numbered("ultrasound", _saved(half(ULTRASOUND, name)))
    return pictures + numbered("chest films", _saved(CHEST if name == REPORTED else ()))


def _whole_and_parts(places: list[Place]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    from PIL import Image

    for place in places:
        with as_file(_resource(place)) as path, Image.open(path) as image:
            levels = np.asarray(image.convert("L"))
        for part in parts(levels):
            yield place[1], part


def _saved(places: Iterable[Place]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Give each examination as saved through several windows, as a user would save it."""
    for place in places:
        values = _values(place).astype(np.float64)
        for low, high in WINDOWS:
            black, white = np.percentile(values, (low, high))
            yield place[1], 255 * (values - black) / max(white - black, 1e-9)


def _values(place: Place) -> NDArray[np.generic]:
    import pydicom

    resource = _resource(place)
    if place == MR_RAW:
        return np.frombuffer(gzip.decompress(resource.read_bytes()), np.uint16).reshape(256, 256)
    with as_file(resource) as path:
        return _grey(pydicom.dcmread(path))


def _grey(data: Dataset) -> NDArray[np.generic]:
    """Take the first frame as grey values, (H, W), white where the file means white."""
    from pydicom.pixels.processing import apply_color_lut

    values: NDArray[np.generic] = data.pixel_array
    if int(data.get("NumberOfFrames", 1)) > 1:
        values = values[0]
    if data.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, data)
    if values.ndim == 3:
        values = values.mean(axis=2)
    return values.max() - values if data.PhotometricInterpretation == "MONOCHROME1" else values


def _resource(place: Place) -> Traversable:
    package, name = place
    try:
        resource = files(package).joinpath(name)
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"{package} is not installed, whose sample pictures are measured; run "
            "`pip install -e '.[test]'`"
        ) from error
    if not resource.is_file():
        raise RecipeError(f"{package} of this version lacks {name}; install the test extras again")
    return resource
