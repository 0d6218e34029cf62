"""Reading a film from a file: the format by its content, limits of size, refusals."""

from __future__ import annotations

import hashlib
import threading
import warnings

import numpy as np
import pytest

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import (
    encode_image,
    make_grey,
    make_huge_png,
)


def test_the_name_does_not_matter_and_the_checksum_is_of_the_file(tmp_path):
    data = encode_image(make_grey())
    file = tmp_path / "film.dcm"
    file.write_bytes(data)
    film = formats.read(str(file))
    assert film.file_format == "PNG"
    assert film.sha256 == hashlib.sha256(data).hexdigest()


def test_salvage_does_not_make_a_film_of_another_file():
    with pytest.raises(UnreadableRadiographError, match="GIF"):
        formats.read_bytes(b"GIF89a" + bytes(100), salvage=True)
    with pytest.raises(UnreadableRadiographError, match="damaged"):
        formats.read_bytes(encode_image(make_grey(), "JPEG")[:30], salvage=True)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "DICOM"])
def test_noise_in_a_file_gives_a_film_or_a_refusal_and_no_other_error(file_format):
    data = make_dicom() if file_format == "DICOM" else encode_image(make_grey(), file_format)
    random = np.random.default_rng(1)
    for _ in range(60):
        noisy = np.frombuffer(data, np.uint8).copy()
        at = random.integers(0, min(len(noisy), 600), 4)
        noisy[at] = random.integers(0, 256, 4)
        try:
            film = formats.read_bytes(noisy.tobytes())
        except UnreadableRadiographError:
            continue
        assert np.isfinite(film.pixels).all()
        assert film.pixels.min() >= 0.0
        assert film.pixels.max() <= 1.0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"", "empty.*export it again", id="empty"),
        pytest.param(b"Dear colleague, the film shows", "not an image; use PNG", id="text"),
        pytest.param(b"\0" * 5000, "not an image; use PNG", id="zeros"),
        pytest.param(b"%PDF-1.7", "found a PDF file; use PNG", id="PDF"),
        pytest.param(b'<?xml version="1.0"?>\n<svg xmlns="">', "found a SVG file", id="SVG"),
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0", "found a HEIC file", id="HEIC"),
        pytest.param(encode_image(make_grey(), "GIF"), "found a GIF file; use PNG", id="GIF"),
        pytest.param(encode_image(make_grey(), "ICO"), "found a ICO file; use PNG", id="ICO"),
    ],
)
def test_other_files_are_refused_by_what_they_are(data, sentence):
    with pytest.raises(UnreadableRadiographError, match=sentence):
        formats.read_bytes(data)


def test_a_missing_file_and_a_folder_are_refused_without_their_name(tmp_path):
    with pytest.raises(UnreadableRadiographError, match="no such file") as missing:
        formats.read(tmp_path / "Miller_Jane.png")
    with pytest.raises(UnreadableRadiographError, match="found a folder") as folder:
        formats.read(tmp_path)
    assert "Miller" not in str(missing.value)
    assert str(tmp_path) not in str(folder.value)


def test_a_file_that_may_not_be_opened_is_refused_without_its_name(tmp_path, monkeypatch):
    def forbidden(path, *mode):
        raise PermissionError(13, "Permission denied", str(path))

    file = tmp_path / "Miller_Jane.png"
    file.write_bytes(encode_image(make_grey()))
    monkeypatch.setattr("io.FileIO", forbidden)
    with pytest.raises(UnreadableRadiographError, match=r"Permission denied.*check") as caught:
        formats.read(file)
    assert "Miller" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_63_pixels_on_a_side_are_too_few_and_64_enough():
    assert "found 200 x 63 pixels" in refusal(encode_image(np.zeros((63, 200), np.uint8)))
    film = formats.read_bytes(encode_image(np.zeros((64, 64), np.uint8)))
    assert film.pixels.shape == (64, 64)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(10_000, 5_001, id="just over"),
        pytest.param(12_000, 10_000, id="Pillow warns"),
        pytest.param(60_000, 60_000, id="Pillow refuses"),
    ],
)
def test_over_50_megapixels_is_refused_from_the_header(width, height):
    assert "more than 50 megapixels" in refusal(make_huge_png(width, height))


def test_50_megapixels_are_not_too_large():
    assert "damaged" in refusal(make_huge_png(10_000, 5_000))


def test_films_are_read_the_same_in_several_threads():
    files = [
        make_dicom(PhotometricInterpretation="MONOCHROME1"),
        make_dicom(),
        encode_image(make_grey()),
    ]
    expected = [formats.read_bytes(data).pixels for data in files]
    different = []

    def work():
        for data, pixels in zip(files * 4, expected * 4, strict=True):
            if not np.array_equal(formats.read_bytes(data).pixels, pixels):
                different.append(data)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not different


def test_reading_leaves_the_warnings_of_others_alone():
    formats.read_bytes(make_dicom())
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)


def refusal(data):
    """The sentence that a file is refused with."""
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 1.5])
def test_values_outside_of_a_film_are_a_fault_and_never_reach_a_model(monkeypatch, value):
    def faulty(film):
        film.pixels[3, 4] = value
        return film

    monkeypatch.setattr(formats, "with_exposed_field", faulty)
    with pytest.raises(ValueError, match="outside of"):
        formats.read_bytes(encode_image(make_grey()))
