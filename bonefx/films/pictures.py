"""Decode pictures: PNG, JPEG, TIFF, WebP, BMP, JPEG 2000 and AVIF, grey or tinted."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonefx.errors import UnreadableRadiographError
from bonefx.films.automatic_window import DisplayedFilm, scaled_values, show_automatically
from bonefx.films.codecs import jpeg, tiff
from bonefx.films.codecs.codestreams import jpeg_2000_header, jpeg_frame_header
from bonefx.films.codecs.deep_jpeg import decode_deep_jpeg
from bonefx.films.codecs.deep_values import (
    UPRIGHT_AXES,
    DeepValues,
    deep_values,
    film_values,
    upright,
)
from bonefx.films.codecs.png import without_damaged_extras
from bonefx.films.limits import check_size, too_large
from bonefx.records import FilmNote, Radiograph

# A tinted film (sepia, blue base) has one colour at each brightness, a photograph has many. Both
# limits are for means over the picture at 128 px, with R, G and B in [0, 1], so that a coloured
# arrow has little effect. Measured hue spread: up to 0.019 on 7,328 public radiographs (62 of them
# with any colour), up to 0.008 on artificially tinted films, 0.018 to 0.108 on 8 photographs. The
# photograph below 0.03 has a chroma of 0.24, the most strongly tinted film 0.21.
MAX_HUE_SPREAD = 0.03  # distance from the mean colour at the same brightness
MAX_CHROMA = 0.22  # max(R, G, B) - min(R, G, B)
HUE_SIDE_PX = 128
HUE_LEVELS = 32

MAX_SAMPLES = 4  # red, green, blue and alpha
PNG_END = b"IEND\xaeB`\x82"
ORIENTATION = 0x0112  # of EXIF
SHORT_HEADER_BYTES, LONG_HEADER_BYTES = 16, 40  # of BMP; both begin with their size


class Picture(NamedTuple):
    """A decoded picture, upright.

    Attributes:
        shown: Its grey values, white = dense.
        bits: Stored bits per sample.
        photometric: Equivalent of the DICOM photometric interpretation.
        damaged: A part of it may be missing or wrong.
    """

    shown: DisplayedFilm
    bits: int
    photometric: str
    damaged: bool = False


def read_picture(
    data: bytes, file_format: str, sha256: str, *, salvage: bool = False
) -> Radiograph:
    """Read a film from a picture file.

    Args:
        data: Content of the whole file.
        file_format: Its format, a name of formats.SUPPORTED_FORMATS other than DICOM.
        sha256: Checksum of the bytes.
        salvage: See formats.read_bytes.

    Raises:
        DamagedRadiographError: A part of the picture can be read with salvage.
        UnreadableRadiographError: The picture is damaged, too large or too small, in colour, or of
            a kind that is not supported.
    """
    picture = _decoded(data, file_format, salvage=salvage)
    return Radiograph(
        pixels=picture.shown.pixels,
        full=picture.shown.full,
        windows=picture.shown.windows,
        sha256=sha256,
        file_format=file_format,
        bits=picture.bits,
        photometric=picture.photometric,
        notes=(FilmNote.DAMAGED,) if picture.damaged else (),
    )


def _decoded(data: bytes, file_format: str, *, salvage: bool) -> Picture:
    """Decode a whole single picture, upright as viewers show it, after checking its header."""
    try:
        if file_format == "TIFF":
            return _decoded_tiff(data)
        if file_format == "JPEG":
            return _decoded_jpeg(data, salvage=salvage)
        return _decoded_single(data, file_format)
    except (UnreadableRadiographError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large("a picture") from None
    except Exception as error:  # damaged data makes the decoders raise anything
        raise UnreadableRadiographError(
            f"the {file_format} file is damaged, incomplete or of a rare kind; "
            f"copy it again or save it as {'TIFF' if file_format == 'PNG' else 'PNG'}"
        ) from error


def _decoded_tiff(data: bytes) -> Picture:
    page = tiff.read_film_page(data)
    if page.deep is not None:
        return _deep(page.deep, page.bits, page.orientation, white_is_zero=page.white_is_zero)
    image: Image.Image = Image.open(io.BytesIO(data), formats=["TIFF"])
    image.seek(page.place)
    image.load()  # inverts a picture whose smallest value is white
    return _shallow(image, page.bits, white_is_zero=page.white_is_zero)


def _decoded_jpeg(data: bytes, *, salvage: bool) -> Picture:
    if (bits := jpeg_frame_header(data).bits) > 8:
        values, damaged = decode_deep_jpeg(data, salvage=salvage)
        return _deep(values, bits)._replace(damaged=damaged)
    image, damaged = jpeg.decode_jpeg(data, salvage=salvage)
    return _shallow(image, bits)._replace(damaged=damaged)


def _decoded_single(data: bytes, file_format: str) -> Picture:
    """Decode a file of a format in which several pictures are an animation."""
    if file_format == "BMP":
        data = _with_long_header(data)
    if file_format == "PNG":
        data = without_damaged_extras(data)
    image: Image.Image = Image.open(io.BytesIO(data), formats=[file_format])
    check_size(*image.size)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise UnreadableRadiographError(
            f"found {frames} pictures in one file; save the film as a single picture"
        )
    bits = _bits(image, data, file_format)
    if file_format == "PNG":  # load() accepts bad checksums and a missing end
        image.verify()
        data.index(PNG_END)
        image = Image.open(io.BytesIO(data), formats=[file_format])
    if bits > 8:
        return _deep(_deep_values(data, file_format, image.size), bits, _orientation(image))
    if file_format == "WEBP":
        return _webp(data, image)
    image.load()
    if file_format == "BMP":
        image = _without_unused_alpha(image)
    return _shallow(image, bits)


def _with_long_header(data: bytes) -> bytes:
    """Extend the short header of OS/2 2.x, whose missing fields are 0, to one that Pillow knows."""
    if int.from_bytes(data[14:18], "little") != SHORT_HEADER_BYTES:
        return data
    missing = LONG_HEADER_BYTES - SHORT_HEADER_BYTES
    pixels_at = int.from_bytes(data[10:14], "little") + missing
    start = data[:10] + pixels_at.to_bytes(4, "little") + LONG_HEADER_BYTES.to_bytes(4, "little")
    return start + data[18:30] + bytes(missing) + data[30:]


def _without_unused_alpha(image: Image.Image) -> Image.Image:
    """Drop the alpha of a BMP if it is 0 everywhere, as programs that know none leave it."""
    unused = image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)
    return image.convert("RGB") if unused else image


def _shallow(
    image: Image.Image, bits: int, *, white_is_zero: bool = False, orientation: int | None = None
) -> Picture:
    """Return a picture of 8 bit, upright by its own orientation if none is given; refuse colour."""
    photometric = "MONOCHROME1" if white_is_zero else _photometric(image.mode)
    turned = _orientation(image) if orientation is None else orientation
    pixels = upright(unit_8_bit(grey(image)), turned)
    return Picture(DisplayedFilm(pixels), bits, photometric)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if the metadata are damaged."""
    try:
        # the method of a PNG decodes the picture first
        found = Image.Image.getexif(image).get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 (damaged metadata make Pillow raise anything)
        return 1
    return found if found in UPRIGHT_AXES else 1


def _webp(data: bytes, header: Image.Image) -> Picture:
    """Decode a WebP file; Pillow would hold five copies of it, for the next pictures of a film."""
    import imagecodecs

    orientation = _orientation(header)
    header.close()
    values = imagecodecs.webp_decode(data)
    _check_decoded(values, header.size)
    colour = Image.fromarray(values)
    del values
    return _shallow(colour, 8, orientation=orientation)


def _deep_values(data: bytes, file_format: str, size: tuple[int, int]) -> DeepValues:
    import imagecodecs

    decode = imagecodecs.png_decode if file_format == "PNG" else imagecodecs.jpeg2k_decode
    values = decode(data)
    _check_decoded(values, size)
    return deep_values(values)


def _check_decoded(values: NDArray[Any], size: tuple[int, int]) -> None:
    """Raise ValueError unless a picture has the width and height that its header says."""
    if values.shape[1::-1] != size:
        raise ValueError("the picture has another size than its header says")


def _deep(
    deep: DeepValues, bits: int, orientation: int = 1, *, white_is_zero: bool = False
) -> Picture:
    """Return values for which Pillow has no mode; refuse a colour picture."""
    colour = deep.samples.ndim == 3
    if colour:
        grey(Image.fromarray(np.rint(scaled_values(deep.samples)[0] * 255).astype(np.uint8)))
    values, outside = film_values(deep, white_is_zero=white_is_zero)
    values, outside = upright(values, orientation), upright(outside, orientation)
    if bits > 8:
        shown = show_automatically(
            values, white_is_zero=white_is_zero, outside=outside if outside.any() else None
        )
    else:
        unit = np.asarray(values / np.float32(2**bits - 1), np.float32)
        dense = 1 - unit if white_is_zero else unit
        shown = DisplayedFilm(np.where(outside, np.float32(0), dense))
    grey_photometric = "MONOCHROME1" if white_is_zero else "MONOCHROME2"
    return Picture(shown, bits, "RGB" if colour else grey_photometric)


def _bits(image: Image.Image, data: bytes, file_format: str) -> int:
    """Return the bits per sample that the file stores; check the size of a codestream."""
    if file_format == "PNG":
        return data[24]  # of the IHDR chunk, which comes first
    if file_format == "JPEG2000":
        header = jpeg_2000_header(data)
        check_size(header.columns, header.rows)
        if header.samples > MAX_SAMPLES:
            raise UnreadableRadiographError(
                f"found a JPEG 2000 file of {header.samples} components; save the film as grey"
            )
        return header.bits
    return 1 if image.mode == "1" else 8


def _photometric(mode: str) -> str:
    if mode.startswith(("1", "L", "I")) and mode != "LAB":
        return "MONOCHROME2"
    return "PALETTE COLOR" if mode.startswith("P") else "RGB"


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
    scale = min(1.0, HUE_SIDE_PX / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    rgb = np.asarray(small, np.float64).reshape(-1, 3) / 255  # (N, 3)
    level = np.asarray(small.convert("L")).reshape(-1) // (256 // HUE_LEVELS)  # (N,)
    chroma = rgb - rgb.mean(axis=1, keepdims=True)
    count = np.bincount(level, minlength=HUE_LEVELS).clip(min=1)
    sums = np.stack([np.bincount(level, part, HUE_LEVELS) for part in chroma.T], axis=1)
    spread = np.linalg.norm(chroma - (sums / count[:, None])[level], axis=1).mean()
    return bool(spread > MAX_HUE_SPREAD or np.ptp(rgb, axis=1).mean() > MAX_CHROMA)


def unit_8_bit(image: Image.Image) -> NDArray[np.float32]:
    """Return the values of an 8-bit grey picture in [0, 1], (H, W)."""
    values = np.array(image, np.float32)
    values /= np.float32(255)
    return values
