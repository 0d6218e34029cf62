"""Read a Radiograph from a PNG, JPEG, TIFF, WebP, BMP or DICOM file of 8 to 16 bit.

The format is recognised by content, never by file name. No message contains a file name or patient
data; callers add the name if they may show it.
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
# limits are for means over the picture at 128 px, with R, G and B in [0, 1], so that a coloured
# arrow has little effect. Measured hue spread: up to 0.019 on 7,328 public radiographs (62 of them
# with any colour), up to 0.008 on artificially tinted films, 0.018 to 0.108 on 8 photographs. The
# photograph below 0.03 has a chroma of 0.24, the most strongly tinted film 0.21.
MAX_HUE_SPREAD = 0.03  # distance from the mean colour at the same brightness
MAX_CHROMA = 0.22  # max(R, G, B) - min(R, G, B)
HUE_SIDE_PX = 128
HUE_LEVELS = 32

PNG_END = b"IEND\xaeB`\x82"
JPEG_END_MARKER = b"\xff\xd9"
USABLE_FORMATS = "use PNG, JPEG, TIFF, WebP, BMP or DICOM"
SUPPORTED_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DICOM")
SIGNATURES = [  # the first match counts; the preamble of a DICOM file may be a TIFF header
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
        path: Path of the file; its name and extension have no effect.
        salvage: See read_radiograph_bytes.

    Returns:
        The film as a viewer shows it, white = dense.

    Raises:
        UnreadableRadiographError: There is no such file, or read_radiograph_bytes refuses it.
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

    8-bit grey is divided by 255. Deeper pictures are scaled from their smallest and largest value
    to [0, 1]: most hold 10 to 14-bit data in a 16-bit container, and would otherwise be nearly
    black. DICOM has transforms of its own (see dicom.decode_pixels).

    Args:
        data: Content of a whole file.
        salvage: Read the rest of a truncated JPEG, with the missing part in one grey. Only for
            repeating published figures that include such films; readings never use it.

    Returns:
        The film, (H, W) float32 in [0, 1], white = dense.

    Raises:
        UnreadableRadiographError: The file is not a supported film; the message says what was found
            and what to do.
    """
    file_format = _format_of(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if file_format == "DICOM":
        return _read_dicom(data, sha256)
    try:
        return _read_picture(data, file_format, sha256)
    except UnreadableRadiographError:
        if not (salvage and file_format == "JPEG"):
            raise
        # after an end-of-image marker libjpeg fills the missing part with one grey
        return _read_picture(data + JPEG_END_MARKER, file_format, sha256)


def _format_of(data: bytes) -> str:
    if not data:
        raise UnreadableRadiographError("the file is empty; copy or export it again")
    for name, signature in SIGNATURES:
        if signature.match(data[:4096]):
            if name in SUPPORTED_FORMATS:
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


def _read_picture(data: bytes, file_format: str, sha256: str) -> Radiograph:
    image = _decoded(data, file_format)
    bits = _bits(image, data, file_format)
    white_is_zero = file_format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
    if bits > 8:
        pixels = dicom.full_range(_deep_values(image, data, bits, file_format))
        pixels = 1 - pixels if white_is_zero else pixels  # Pillow inverts up to 8 bit, not above
    else:
        pixels = _unit_8_bit(_grey(image))
    return Radiograph(
        pixels=pixels,
        sha256=sha256,
        file_format=file_format,
        bits=bits,
        photometric="MONOCHROME1" if white_is_zero else _photometric(image.mode),
    )


def _decoded(data: bytes, file_format: str) -> Image.Image:
    """Decode a whole single picture, upright as viewers show it, after checking its header."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=[file_format])
        _check_size(*image.size)
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise UnreadableRadiographError(
                f"found {frames} pictures in one file; save the film as a single picture"
            )
        if file_format == "PNG":  # load() accepts bad checksums and a missing end
            image.verify()
            data.index(PNG_END)
            image = Image.open(io.BytesIO(data), formats=[file_format])
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image
    except UnreadableRadiographError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("a picture") from None
    except Exception as error:  # damaged data makes the decoders raise anything
        raise UnreadableRadiographError(
            f"the {file_format} file is damaged, incomplete or of a rare kind; "
            "copy it again or save it as PNG"
        ) from error


def _bits(image: Image.Image, data: bytes, file_format: str) -> int:
    """Return the bits per sample that the file stores."""
    if file_format == "PNG":
        return data[24]  # of the IHDR chunk, which comes first
    if file_format == "TIFF":
        return int(image.tag_v2.get(258, (1,))[0])  # type: ignore[attr-defined]
    return 1 if image.mode == "1" else 8


def _photometric(mode: str) -> str:
    if mode.startswith(("1", "L", "I")) and mode != "LAB":
        return "MONOCHROME2"
    return "PALETTE COLOR" if mode.startswith("P") else "RGB"


def _deep_values(
    image: Image.Image, data: bytes, bits: int, file_format: str
) -> NDArray[np.generic]:
    """Return values of more than 8 bit, (H, W); Pillow keeps those of grey pictures only."""
    if bits <= 16 and image.mode.startswith("I"):
        return np.asarray(image)
    if file_format != "PNG":
        raise UnreadableRadiographError(
            f"found a {file_format} file with {bits}-bit values of mode {image.mode}; "
            "save it as grey with 8 or 16 bit"
        )
    import cv2

    _grey(image)  # refuses a colour photograph
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if values is None or values.shape != (image.height, image.width):
        raise UnreadableRadiographError(
            f"found a {bits}-bit colour PNG that cannot be decoded; save it as 16-bit grey"
        )
    if image.has_transparency_data:
        return values * _unit_8_bit(image.convert("RGBA").getchannel("A"))
    return values


def _grey(image: Image.Image) -> Image.Image:
    """Return the luminance over black, 8 bit; refuse a colour picture."""
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
    """Return whether an RGB picture has more colour than a tinted film; see MAX_HUE_SPREAD."""
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
