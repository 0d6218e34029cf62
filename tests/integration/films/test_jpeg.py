"""JPEG: damage that viewers pass over, harmless oddities, several pictures, and up to 16 bit."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bonefx.errors import DamagedRadiographError, UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.codecs import jpeg
from bonefx.records import FilmNote
from tests.fixtures.image_files import encode_image, make_grey

END = b"\xff\xd9"
SCAN = b"\xff\xda"
KINDS = ("grey", "optimised", "colour 4:2:0", "colour 4:4:4", "restart markers", "CMYK")
PROGRESSIVE = ("progressive", "progressive colour")


def make_jpeg(kind="grey", *, seed=0) -> bytes:
    """A film of 384 x 320 px as a JPEG of a kind."""
    grey = Image.fromarray(make_grey(seed=seed)).resize((384, 320))
    rgb = grey.convert("RGB")
    if kind in PROGRESSIVE:
        image = grey if kind == "progressive" else rgb
        return encode_image(image, "JPEG", progressive=True)
    if kind.startswith("colour"):
        return encode_image(rgb, "JPEG", subsampling=kind.removeprefix("colour "))
    if kind == "CMYK":
        return encode_image(rgb.convert("CMYK"), "JPEG")
    rows = 1 if kind == "restart markers" else 0
    return encode_image(grey, "JPEG", optimize=kind == "optimised", restart_marker_rows=rows)


def decoded(data):
    """Pixels of a whole file as Pillow decodes them, 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB").convert("L"))


def with_header_insert(data, insert):
    at = data.index(b"\xff\xdb")  # quantisation table
    return data[:at] + insert + data[at:]


HARMLESS = {
    "nothing": lambda data: data,
    "text after the end": lambda data: data + b"Dear colleague" * 9,
    "zeros after the end": lambda data: data + bytes(4000),
    "a second picture after the end": lambda data: data + make_jpeg(seed=1),
    "bytes between segments": lambda data: with_header_insert(data, b"\0abc"),
    "fill bytes between segments": lambda data: with_header_insert(data, b"\xff\xff\xff"),
    "unknown JFIF version": lambda data: data.replace(b"JFIF\0\1", b"JFIF\0\7"),
    "a damaged colour profile": lambda data: with_header_insert(
        data, b"\xff\xe2\x00\x14ICC_PROFILE\0\x07\x02abcd"
    ),
    "one byte before the end": lambda data: data[:-2] + b"x" + END,
    "zeros before the end": lambda data: data[:-2] + bytes(9) + END,
    "several of these": lambda data: with_header_insert(data, b"ab")[:-2] + bytes(3) + END + b"x",
}


@pytest.mark.parametrize("oddity", HARMLESS)
@pytest.mark.parametrize("kind", [*KINDS, *PROGRESSIVE])
def test_harmless_oddities_are_read_as_the_film_itself(kind, oddity):
    data = make_jpeg(kind)
    film = formats.read_bytes(HARMLESS[oddity](data))
    assert (film.file_format, film.bits, film.notes) == ("JPEG", 8, ())
    np.testing.assert_array_equal(film.pixels * 255, decoded(data))


def test_wrong_coefficient_limits_of_a_sequential_file_are_harmless():
    data = make_jpeg()
    header = data.index(SCAN)
    end = header + 2 + data[header + 3]
    film = formats.read_bytes(data[: end - 3] + b"\0\0\0" + data[end:])
    np.testing.assert_array_equal(film.pixels * 255, decoded(data))


def damaged_in_the_middle(data):
    at = data.index(SCAN) + 40 + (len(data) - data.index(SCAN)) // 3
    return {
        "zeros": data[:at] + bytes(200) + data[at + 200 :],
        "a cut of 300 bytes": data[:at] + data[at + 300 :],
        "one bits": data[:at] + b"\xff\0" * 100 + data[at + 200 :],
        "an early end": data[:at] + END + data[at:],
        "a stray marker": data[:at] + b"\xff\xc4\0\x04" + data[at + 4 :],
    }


@pytest.mark.parametrize("damage", damaged_in_the_middle(make_jpeg()))
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_damage_in_the_middle_is_refused_with_an_offer(kind, damage):
    whole = make_jpeg(kind)
    data = damaged_in_the_middle(whole)[damage]
    with pytest.raises(DamagedRadiographError, match=r"is damaged.*copy it again.*--damaged"):
        formats.read_bytes(data)
    film = formats.read_bytes(data, salvage=True)
    assert film.notes == (FilmNote.DAMAGED,)
    above = slice(0, 64)  # a fifth of the rows, before the damage
    np.testing.assert_array_equal(film.pixels[above] * 255, decoded(whole)[above])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("kind", ["CMYK", *PROGRESSIVE])
def test_a_cut_in_other_files_is_refused_with_an_offer(kind, share):
    data = make_jpeg(kind)
    middle = int(len(data) * share)
    damaged = data[:middle] + data[middle + 300 :]
    with pytest.raises(DamagedRadiographError):
        formats.read_bytes(damaged)
    assert formats.read_bytes(damaged, salvage=True).notes == (FilmNote.DAMAGED,)


@pytest.mark.parametrize("kind", [*KINDS, *PROGRESSIVE])
def test_a_truncated_file_is_salvaged_to_the_values_of_pillow(kind):
    whole = make_jpeg(kind)
    data = whole[: len(whole) * 2 // 3]
    with pytest.raises(DamagedRadiographError):
        formats.read_bytes(data)
    film = formats.read_bytes(data, salvage=True)
    assert film.notes == (FilmNote.DAMAGED,)
    np.testing.assert_array_equal(film.pixels * 255, decoded(data + END))


def test_the_missing_part_never_shows_old_memory():
    data = make_jpeg("colour 4:4:4")
    at = len(data) // 3
    broken = data[:at] + b"\xff\xff\xff\xff\x50\0" + data[at + 6 :]
    films = [formats.read_bytes(broken, salvage=True).pixels for _ in range(3)]
    np.testing.assert_array_equal(films[0], films[1])
    np.testing.assert_array_equal(films[0], films[2])


def test_a_file_without_any_part_of_the_picture_has_no_offer():
    data = make_jpeg()
    for cut in (20, 200, data.index(SCAN)):
        for salvage in (False, True):
            with pytest.raises(UnreadableRadiographError, match="damaged") as caught:
                formats.read_bytes(data[:cut], salvage=salvage)
            assert not isinstance(caught.value, DamagedRadiographError)


def test_a_whole_film_has_no_note_even_if_salvage_is_asked_for():
    assert formats.read_bytes(make_jpeg(), salvage=True).notes == ()


def test_a_file_of_very_many_scans_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(jpeg, "MAX_MEGAPIXEL_SCANS", 0.5)
    monkeypatch.setattr(jpeg, "_decoded_strictly", None)
    with pytest.raises(UnreadableRadiographError, match=r"JPEG file of 6 scans.*save it as PNG"):
        formats.read_bytes(make_jpeg("progressive"))


@pytest.mark.parametrize("preview", ["smaller", "as large"])
def test_the_first_of_several_pictures_is_the_film(preview):
    first = Image.fromarray(make_grey(seed=1))
    second = first.resize((64, 64)) if preview == "smaller" else Image.fromarray(make_grey(seed=2))
    data = encode_image(first, "MPO", save_all=True, append_images=[second])
    film = formats.read_bytes(data)
    assert film.file_format == "JPEG"
    np.testing.assert_array_equal(film.pixels * 255, decoded(encode_image(first, "JPEG")))
    cut = formats.read_bytes(data[:-200])  # the preview is damaged, the film is not
    np.testing.assert_array_equal(cut.pixels, film.pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_whole_file_may_lack_its_end_marker(kind, missing):
    data = make_jpeg(kind)
    film = formats.read_bytes(data[:-missing])
    assert film.notes == ()
    np.testing.assert_array_equal(film.pixels * 255, decoded(data))


@pytest.mark.parametrize("kind", [*KINDS, *PROGRESSIVE])
@pytest.mark.parametrize("missing", [4, 10])
def test_a_file_that_lacks_more_than_its_end_marker_is_refused(kind, missing):
    with pytest.raises(DamagedRadiographError):
        formats.read_bytes(make_jpeg(kind)[:-missing])


def test_a_progressive_file_without_end_may_lack_whole_scans():
    data = make_jpeg("progressive")
    for cut in (data.rindex(SCAN), len(data) - 2):
        with pytest.raises(DamagedRadiographError):
            formats.read_bytes(data[:cut])
