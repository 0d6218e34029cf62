"""Sample photographs, scanned pages, CT and MR slices and ultrasound from installed packages."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from importlib.resources import as_file
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from train.evaluate.scope.intruders.picture import REPORTED, Intruder, half, numbered, parts
from train.evaluate.scope.intruders.sample_pictures import Place, find_sample

if TYPE_CHECKING:
    from pydicom import Dataset

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
WINDOWS = ((0.0, 100.0), (1.0, 99.0), (30.0, 99.5))  # percentiles that are shown black and white


def find_intruders(name: str) -> list[Intruder]:
    """Return the pictures of one half of each kind.

    Args:
        name: One of picture.HALVES.

    Raises:
        RecipeError: A package or a picture is not installed; see check_samples.
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
        with as_file(find_sample(place)) as path, Image.open(path) as image:
            levels = np.asarray(image.convert("L"))
        for part in parts(levels):
            yield place[1], part


def _saved(places: Iterable[Place]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield each examination through several windows, as a user would save it."""
    for place in places:
        values = _values(place).astype(np.float64)
        for low, high in WINDOWS:
            black, white = np.percentile(values, (low, high))
            yield place[1], 255 * (values - black) / max(white - black, 1e-9)


def _values(place: Place) -> NDArray[np.generic]:
    import pydicom

    from bonefx.films.dicom.libraries import prepare_dicom_libraries

    prepare_dicom_libraries()
    resource = find_sample(place)
    if place == MR_RAW:
        return np.frombuffer(gzip.decompress(resource.read_bytes()), np.uint16).reshape(256, 256)
    with as_file(resource) as path:
        return _grey(pydicom.dcmread(path))


def _grey(data: Dataset) -> NDArray[np.generic]:
    """Return the first frame as grey values, (H, W), with large values shown white."""
    from pydicom.pixels.processing import apply_color_lut

    values: NDArray[np.generic] = data.pixel_array
    if int(data.get("NumberOfFrames", 1)) > 1:
        values = values[0]
    if data.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, data)
    if values.ndim == 3:
        values = values.mean(axis=2)
    return values.max() - values if data.PhotometricInterpretation == "MONOCHROME1" else values
