"""Generated DICOM films are displayed as dcmtk displays them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bonefx.films import formats
from tests.fixtures.dicom_matrix import (
    DCMTK_ENCODERS,
    NATIVE,
    StoredForm,
    dcmtk_compressed,
    dcmtk_picture,
    make_film,
    make_jpeg_2000_film,
    make_voi_lut,
    missing_dcmtk,
)

pytestmark = pytest.mark.skipif(
    missing_dcmtk() is not None, reason=f"{missing_dcmtk()} of dcmtk is not on the PATH"
)

CLOSE = 5e-4
FORMS = [
    StoredForm(signed=signed, **bits)
    for signed, bits in product(
        (False, True),
        (
            {"allocated": 8, "stored": 8, "high": 7},
            {"stored": 8, "high": 7},
            {"stored": 10, "high": 9, "beside": 0xFC00},
            {"stored": 12, "high": 11},
            {"stored": 12, "high": 11, "beside": 0x3000},
            {"stored": 12, "high": 15},
            {"stored": 12, "high": 13, "beside": 0xC003},
            {"stored": 16, "high": 15},
        ),
    )
]
DEEP = [
    StoredForm(allocated=32, stored=16, high=15, beside=0xFF0000),
    StoredForm(allocated=32, stored=20, high=19, signed=True),
    StoredForm(allocated=32, stored=12, high=31),
]
POLARITIES = ("MONOCHROME1", "MONOCHROME2")


def window(form, *, slope=1, intercept=0):
    """A window over half of a form's range, darker than its middle."""
    span = 1 << form.stored
    centre = round(slope * (form.lowest + 0.4 * span) + intercept)
    return {"WindowCenter": str(centre), "WindowWidth": str(round(abs(slope) * 0.5 * span))}


def transforms(form):
    """Header elements of a transform, and the options with which dcmtk shows it."""
    sixteen = {"VOILUTSequence": [make_voi_lut(form, entries=1 << min(form.stored, 12), bits=16)]}
    twice, minus = ({"RescaleSlope": slope, "RescaleIntercept": "100"} for slope in ("2", "-1"))
    return {
        "no window": ({}, ("+Wm",)),
        "window": (window(form), ("+Wi", "1")),
        "sigmoid": (window(form) | {"VOILUTFunction": "SIGMOID"}, ("+Wi", "1")),
        "second window": (
            {name: [value, "5"] for name, value in window(form).items()},
            ("+Wi", "1"),
        ),
        "table": (sixteen, ("+Wl", "1")),
        "slope": (twice | window(form, slope=2, intercept=100), ("+Wi", "1")),
        "slope -1": (minus | window(form, slope=-1, intercept=100), ("+Wi", "1")),
    }


@pytest.mark.parametrize("form", [*FORMS, *DEEP], ids=str)
@pytest.mark.parametrize("name", list(transforms(StoredForm())))
def test_bits_sign_and_transforms(form, name, tmp_path):
    if name == "table" and form.stored > 16:
        pytest.skip("a table begins with a value of 16 bits")
    elements, options = transforms(form)[name]
    film = make_film(form, **elements)
    shown = formats.read_bytes(film)
    np.testing.assert_allclose(shown.pixels, dcmtk_picture(film, tmp_path, *options), atol=CLOSE)
    assert (shown.bits, shown.notes) == (form.stored, ())


@pytest.mark.parametrize("form", FORMS[::3], ids=str)
@pytest.mark.parametrize("name", list(transforms(StoredForm())))
def test_polarity_comes_after_the_transforms(form, name, tmp_path):
    elements, options = transforms(form)[name]
    film = make_film(form, PhotometricInterpretation="MONOCHROME1", **elements)
    pixels = formats.read_bytes(film).pixels
    np.testing.assert_allclose(pixels, dcmtk_picture(film, tmp_path, *options), atol=CLOSE)


@pytest.mark.parametrize("syntax", [*NATIVE, *DCMTK_ENCODERS])
@pytest.mark.parametrize("form", [form for form in FORMS if form.beside or form.high > 9], ids=str)
def test_transfer_syntaxes_give_the_same_pixels(form, syntax, tmp_path):
    if form.signed and syntax == "JPEG-LS without other bits" and form.stored not in (8, 16):
        pytest.skip("dcmcjpls aborts")
    elements = window(form) | {"PhotometricInterpretation": "MONOCHROME1"}
    native = make_film(form, **elements)
    film = (
        make_film(form, syntax=syntax, **elements)
        if syntax in NATIVE
        else dcmtk_compressed(native, tmp_path, syntax)
    )
    expected = dcmtk_picture(native, tmp_path, "+Wi", "1")
    np.testing.assert_allclose(formats.read_bytes(film).pixels, expected, atol=CLOSE)


@pytest.mark.parametrize("signed_stream", [False, True])
@pytest.mark.parametrize("form", [form for form in FORMS if not form.beside], ids=str)
def test_jpeg_2000_gives_the_same_pixels(form, signed_stream, tmp_path):
    if signed_stream and not form.signed:
        pytest.skip("a codestream of signed samples holds no unsigned values")
    film = make_jpeg_2000_film(form, signed_stream=signed_stream, **window(form))
    expected = dcmtk_picture(make_film(form, **window(form)), tmp_path, "+Wi", "1")
    np.testing.assert_allclose(formats.read_bytes(film).pixels, expected, atol=CLOSE)


@pytest.mark.parametrize("bits", [8, 10, 11, 12, 13, 14, 15, 16])
@pytest.mark.parametrize("stored", [12, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_voi_tables_of_all_depths(bits, stored, signed, tmp_path):
    form = StoredForm(stored=stored, high=stored - 1, signed=signed)
    table = make_voi_lut(form, entries=1 << stored, bits=bits)
    film = make_film(form, VOILUTSequence=[table])
    expected = dcmtk_picture(film, tmp_path, "+Wl", "1")
    rounded = max(1e-3, 2**-bits)  # dcmtk takes 255 of 8 bits as 65280 of 16
    np.testing.assert_allclose(formats.read_bytes(film).pixels, expected, atol=rounded)


@pytest.mark.parametrize("photometric", POLARITIES)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_modality_table_before_a_window(photometric, bits, tmp_path):
    form = StoredForm()
    film = make_film(
        form,
        PhotometricInterpretation=photometric,
        ModalityLUTSequence=[make_voi_lut(form, entries=4096, bits=bits)],
        WindowCenter=str(1 << (bits - 1)),
        WindowWidth=str(1 << (bits - 1)),
    )
    expected = dcmtk_picture(film, tmp_path, "+Wi", "1")
    np.testing.assert_allclose(formats.read_bytes(film).pixels, expected, atol=1e-3)
