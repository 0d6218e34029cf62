"""File -> Radiograph: PNG, JPEG, TIFF, WebP, BMP and DICOM, 8 to 16 bit.

The content says what a file is, never its name. No message here holds a file name or patient data;
callers add the name where they may.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bonefx.errors import UnreadableRadiographError
from bonefx.films import dicom
from bonefx.records import Radiograph

MAX_MEGAPIXELS = 50
MIN_SIDE_PX = 64

# A tinted film (sepia, blue base) has one colour at each brightness, a photograph has many. Both
# limits are on means over the picture at 128 px, so that a coloured arrow counts for little, with
# R, G and B in [0, 1]. Measured spread: up to 0.019 on 7,328 public radiographs (62 of which have
# any colour at all), up to 0.008 on films tinted by us, 0.018 to 0.108 on 8 photographs; the one
# photograph below 0.03 has a chroma of 0.24, the most strongly tinted film 0.21.
MAX_HUE_SPREAD = 0.03  # distance from the mean colour at the same brightness
MAX_CHROMA = 0.22  # max(R, G, B) - min(R, G, B)
HUE_SIDE_PX = 128
HUE_LEVELS = 32

PNG_END = b"IEND\xaeB`\x82"
JPEG_END_MARKER = b"\xff\xd9"
USABLE_FORMATS = "use PNG, JPEG, TIFF, WebP, BMP or DICOM"
READ = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DICOM")
SIGNATURES = [  # the first that matches; a DICOM file may start with a TIFF header as its preamble
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("DICOM", rb".{128}DICM"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("JPEG", rb"\xff\xd8\xff"),
        ("TIFF", rb"II[*+]\0|MM\0[*+]"),
        ("WEBP", rb"RIFF.{4}WEBP"),
        ("BMP", rb"BM.{4}\0{4}"),
        ("GIF", rb"GIF8[79]a"),
        ("PDF", rb"%PDF"),
        ("SVG", rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg"),
        ("HEIC or AVIF", rb".{4}ftyp(hei|hev|mif|msf|avif)"),
        ("JPEG 2000", rb"\0{3}\x0cjP|\xff\x4f\xff\x51"),
        ("JPEG XL", rb"\xff\x0a|\0{3}\x0cJXL "),
        ("ICO", rb"\0\0\x01\0.\0"),
        ("Photoshop", rb"8BPS"),
        ("ZIP", rb"PK\x03\x04"),
        ("gzip", rb"\x1f\x8b"),
        ("DICOM", rb"[\x02\x08]\0.\0([A-Z]{2}|..\0\0)"),  # without preamble
    )
]


def read_radiograph(path: str | os.PathLike[str], *, salvage: bool = False) -> Radiograph:
    """Read one film from a file.

    Args:
        path: The file; its name and extension do not matter.
        salvage: See read_bytes.

    Returns:
        The film as a viewer would show it, white = dense.

    Raises:
        UnreadableRadiographError: there is no such file, or read_bytes refuses its content.
    """
    file = Path(path)
    if file.is_dir():
        raise UnreadableRadiographError("found a folder; choose a file in it")
    if not file.is_file():
        raise UnreadableRadiographError("there is no such file; check its name and folder")
    try:
        data = file.read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise UnreadableRadiographError(
            f"the file cannot be opened ({reason}); check that you may read it"
        ) from None  # the cause holds the path
    return read_radiograph_bytes(data, salvage=salvage)


def read_radiograph_bytes(data: bytes, *, salvage: bool = False) -> Radiograph:
    """Read one film from the bytes of its file.

    8-bit grey is divided by 255. Deeper pictures are scaled from their own smallest and largest
    value to [0, 1], an automatic window: they mostly hold 10 to 14-bit data in a 16-bit container,
    and would be nearly black otherwise. DICOM goes through its own transforms (see dicom.decode).

    Args:
        data: A whole file.
        salvage: Read what is left of a truncated JPEG, the lost part in one grey. Only to repeat
            published figures that counted such films; a reading never asks for it.

    Returns:
        The film, (H, W) float32 in [0, 1], white = dense.

    Raises:
        UnreadableRadiographError: not a film that is read here, with what was found and what to do.
    """
    found = _format_of(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if found == "DICOM":
        return _read_dicom(data, sha256)
    try:
        return _read_picture(data, found, sha256)
    except UnreadableRadiographError:
        if not (salvage and found == "JPEG"):
            raise
        # at an end-of-image marker libjpeg fills what is missing with one grey
        return _read_picture(data + JPEG_END_MARKER, found, sha256)


def _format_of(data: bytes) -> str:
    if not data:
        raise UnreadableRadiographError("the file is empty; copy or export it again")
    for name, signature in SIGNATURES:
        if signature.match(data[:4096]):
            if name in READ:
                return name
            raise UnreadableRadiographError(f"found a {name} file; {USABLE_FORMATS}")
    raise UnreadableRadiographError(f"the file is not an image; {USABLE_FORMATS}")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise _too_large(f"{width} x {height} pixels")
    if min(width, height) < MIN_SIDE_PX:
        raise UnreadableRadiographError(
            f"found {width} x {height} pixels, less than {MIN_SIDE_PX} on a side; "
            "use the film at its full size"
        )


def _too_large(found: str) -> UnreadableRadiographError:
    return UnreadableRadiographError(
        f"found {found}, more than {MAX_MEGAPIXELS} megapixels; make the picture smaller"
    )


def _read_dicom(data: bytes, sha256: str) -> Radiograph:
    header = dicom.parse_dicom(data)
    _check_size(header.Columns, header.Rows)
    pixels, full, windows = dicom.decode_pixels(header)
    if pixels.ndim == 3:
        pixels = _unit_8_bit(_grey(Image.fromarray(pixels)))
    return Radiograph(
        pixels=pixels,
        sha256=sha256,
        file_format="DICOM",
        bits=header.BitsStored,
        photometric=header.PhotometricInterpretation,
        modality=header.Modality,
        body_part=dicom.code_string(header.get("BodyPartExamined")),
        view=dicom.code_string(header.get("ViewPosition")),
        laterality=dicom.laterality(header),
        spacing_mm=dicom.spacing_mm(header),
        full=full,
        windows=windows,
    )


def _read_picture(data: bytes, found: str, sha256: str) -> Radiograph:
    image = _decoded(data, found)
    bits = _bits(image, data, found)
    white_is_zero = found == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
    if bits > 8:
        pixels = dicom.full_range(_deep_values(image, data, bits, found))
        pixels = 1 - pixels if white_is_zero else pixels  # Pillow inverts up to 8 bit, not above
    else:
        pixels = _unit_8_bit(_grey(image))
    return Radiograph(
        pixels=pixels,
        sha256=sha256,
        file_format=found,
        bits=bits,
        photometric="MONOCHROME1" if white_is_zero else _photometric(image.mode),
    )


def _decoded(data: bytes, found: str) -> Image.Image:
    """Decode a whole single picture, upright as viewers show it, after checking its header."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=[found])
        _check_size(*image.size)
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise UnreadableRadiographError(
                f"found {frames} pictures in one file; save the film as a single picture"
            )
        if found == "PNG":  # load forgives bad checksums and a lost end
            image.verify()
            data.index(PNG_END)
            image = Image.open(io.BytesIO(data), formats=[found])
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image
    except UnreadableRadiographError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("a picture") from None
    except Exception as error:  # damaged data makes the decoders raise anything
        raise UnreadableRadiographError(
            f"the {found} file is damaged, incomplete or of a rare kind; "
            "copy it again or save it as PNG"
        ) from error


def _bits(image: Image.Image, data: bytes, found: str) -> int:
    """Return the bits per sample that the file stores."""
    if found == "PNG":
        return data[24]  # of the IHDR chunk, which comes first
    if found == "TIFF":
        return int(image.tag_v2.get(258, (1,))[0])  # type: ignore[attr-defined]
    return 1 if image.mode == "1" else 8


def _photometric(mode: str) -> str:
    if mode.startswith(("1", "L", "I")) and mode != "LAB":
        return "MONOCHROME2"
    return "PALETTE COLOR" if mode.startswith("P") else "RGB"


def _deep_values(image: Image.Image, data: bytes, bits: int, found: str) -> NDArray[np.generic]:
    """Return values of more than 8 bit, (H, W); Pillow keeps those of grey pictures only."""
    if bits <= 16 and image.mode.startswith("I"):
        return np.asarray(image)
    if found != "PNG":
        raise UnreadableRadiographError(
            f"found a {found} file with {bits}-bit values of mode {image.mode}; "
            "save it as grey with 8 or 16 bit"
        )
    import cv2

    _grey(image)  # is it a film at all?
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if values is None or values.shape != (image.height, image.width):
        raise UnreadableRadiographError(
            f"found a {bits}-bit colour PNG that is not decoded here; save it as 16-bit grey"
        )
    if image.has_transparency_data:
        return values * _unit_8_bit(image.convert("RGBA").getchannel("A"))
    return values


def _grey(image: Image.Image) -> Image.Image:
    """Return the luminance over black, 8 bit; refuse a picture in plain colour."""
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode == "LAB":
        raise UnreadableRadiographError("found a picture in LAB colour; save it as grey")
    image = image.convert("RGB")
    if _in_colour(image):
        raise UnreadableRadiographError(
            "found a picture in colour, which a radiograph is not; use the film itself, in grey"
        )
    return image.convert("L")


def _in_colour(image: Image.Image) -> bool:
    """Say whether an RGB picture is more than a tinted film; see MAX_HUE_SPREAD."""
    small = image.copy()
    small.thumbnail((HUE_SIDE_PX, HUE_SIDE_PX), Image.Resampling.BOX)
    rgb = np.asarray(small, np.float64).reshape(-1, 3) / 255  # (N, 3)
    level = np.asarray(small.convert("L")).reshape(-1) // (256 // HUE_LEVELS)  # (N,)
    chroma = rgb - rgb.mean(axis=1, keepdims=True)
    count = np.bincount(level, minlength=HUE_LEVELS).clip(min=1)
    sums = np.stack([np.bincount(level, part, HUE_LEVELS) for part in chroma.T], axis=1)
    spread = np.linalg.norm(chroma - (sums / count[:, None])[level], axis=1).mean()
    return bool(spread > MAX_HUE_SPREAD or np.ptp(rgb, axis=1).mean() > MAX_CHROMA)


def _unit_8_bit(grey: Image.Image) -> NDArray[np.float32]:
    return np.asarray(grey, np.float32) / np.float32(255)
