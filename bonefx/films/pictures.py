"""Decode pictures: PNG, JPEG, TIFF, WebP and BMP, grey or tinted, of 8 to 16 bits."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bonefx.errors import UnreadableRadiographError
from bonefx.films.automatic_window import ShownFilm, show_automatically
from bonefx.films.limits import check_size, too_large
from bonefx.records import Radiograph

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


def read_picture(data: bytes, file_format: str, sha256: str) -> Radiograph:
    """Read a film from a picture file.

    Args:
        data: Content of the whole file.
        file_format: Its format, a name of formats.SUPPORTED_FORMATS other than DICOM.
        sha256: Checksum of the bytes.

    Raises:
        UnreadableRadiographError: The picture is damaged, too large or too small, in colour, or of
            a kind that is not supported.
    """
    image = _decoded(data, file_format)
    bits = _bits(image, data, file_format)
    white_is_zero = file_format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
    if bits > 8:
        values = _deep_values(image, data, bits, file_format)
        # Pillow inverts up to 8 bit, not above
        shown = show_automatically(values, white_is_zero=white_is_zero)
    else:
        shown = ShownFilm(unit_8_bit(grey(image)))
    return Radiograph(
        pixels=shown.pixels,
        full=shown.full,
        windows=shown.windows,
        sha256=sha256,
        file_format=file_format,
        bits=bits,
        photometric="MONOCHROME1" if white_is_zero else _photometric(image.mode),
    )


def _decoded(data: bytes, file_format: str) -> Image.Image:
    """Decode a whole single picture, upright as viewers show it, after checking its header."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=[file_format])
        check_size(*image.size)
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
        raise too_large("a picture") from None
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

    grey(image)  # refuses a colour photograph
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if values is None or values.shape != (image.height, image.width):
        raise UnreadableRadiographError(
            f"found a {bits}-bit colour PNG that cannot be decoded; save it as 16-bit grey"
        )
    if image.has_transparency_data:
        return values * unit_8_bit(image.convert("RGBA").getchannel("A"))
    return values


def grey(image: Image.Image) -> Image.Image:
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


def unit_8_bit(image: Image.Image) -> NDArray[np.float32]:
    """Return the values of an 8-bit grey picture in [0, 1], (H, W)."""
    return np.asarray(image, np.float32) / np.float32(255)
