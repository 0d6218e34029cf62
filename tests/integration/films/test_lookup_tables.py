"""Look-up tables of modality and VOI, in the forms that vendors write."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from bonefx.films import formats
from bonefx.records import FilmNote
from tests.fixtures.dicom_files import apply_linear_window, make_dicom
from tests.fixtures.dicom_matrix import StoredForm, make_film, make_table, make_values
from tests.fixtures.image_files import make_grey

STORED = make_grey(high=4095, dtype=np.uint16)
WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000"}
SQUARES = np.linspace(0, 1, 4096) ** 2  # shares of the output, a table from black to white


def words(shares, bits):
    return np.rint(shares * ((1 << bits) - 1)).astype("<u2").tobytes()


def voi_film(*tables, stored=STORED, **changes):
    return make_dicom(stored, VOILUTSequence=list(tables), **changes)


def assert_shown(data, shares, *, atol=1e-4, stored=STORED):
    film = formats.read_bytes(data)
    np.testing.assert_allclose(film.pixels, shares[stored], atol=atol)
    assert film.notes == ()


@pytest.mark.parametrize("bits", [8, 9, 10, 11, 12, 13, 14, 15, 16])
@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
def test_tables_of_each_depth(bits, sequence):
    data = make_dicom(STORED, **{sequence: [make_table(words(SQUARES, bits), [4096, 0, bits])]})
    assert_shown(data, SQUARES, atol=0.6 / (2**bits - 1))


@pytest.mark.parametrize(
    ("vr", "syntax"),
    [("OW", None), ("US", None), ("SS", None), ("OB", None), ("OW", ImplicitVRLittleEndian)],
)
def test_8_bit_entries_lie_in_pairs_or_in_words(vr, syntax):
    shares = np.linspace(0, 1, 257)[:256] ** 2
    stored = make_grey()
    entries = np.rint(shares * 255)
    kind = {} if syntax is None else {"syntax": syntax}
    for data in (entries.astype("u1").tobytes(), entries.astype("<u2").tobytes()):
        table = make_table(data, [256, 0, 8])
        table["LUTData"].VR = vr
        if vr in ("US", "SS"):
            table["LUTData"].value = np.frombuffer(data, "<u2" if vr == "US" else "<i2").tolist()
        film = voi_film(table, stored=stored, **kind)
        assert_shown(film, shares, stored=stored, atol=0.003)


def test_an_odd_number_of_8_bit_entries():
    shares = np.linspace(0, 1, 255)
    table = make_table(np.arange(255, dtype="u1").tobytes() + b"\0", [255, 0, 8])
    stored = make_grey(high=254)
    assert_shown(voi_film(table, stored=stored), shares * 254 / 255, stored=stored)


def test_big_endian_tables():
    form = StoredForm()
    values = make_values(form)
    table = make_table(
        np.frombuffer(words(SQUARES, 16), "<u2").astype(">u2").tobytes(), [4096, 0, 16]
    )
    data = make_film(form, values, syntax="big-endian", VOILUTSequence=[table])
    assert_shown(data, SQUARES, stored=values)
    pairs = np.rint(SQUARES * 255).astype("u1").reshape(-1, 2)[:, ::-1].tobytes()
    data = make_film(
        form, values, syntax="big-endian", VOILUTSequence=[make_table(pairs, [4096, 0, 8])]
    )
    assert_shown(data, SQUARES, stored=values, atol=0.003)


@pytest.mark.parametrize(
    ("descriptor_vr", "signed_pixels", "written"),
    [
        pytest.param("SS", True, -2048, id="as the standard says"),
        pytest.param("US", True, 63488, id="signed written as US"),
        pytest.param("SS", True, 0, id="starts at 0"),
    ],
)
def test_the_first_value_of_signed_films(descriptor_vr, signed_pixels, written):
    form = StoredForm(signed=signed_pixels)
    values = make_values(form)
    table = make_table(words(SQUARES, 16), [4096, written, 16])
    table["LUTDescriptor"].VR = descriptor_vr
    data = make_film(form, values, VOILUTSequence=[table])
    start = written if written < 32768 else written - 65536
    expected = SQUARES[np.clip(values - start, 0, 4095)]
    np.testing.assert_allclose(formats.read_bytes(data).pixels, expected, atol=1e-4)


def test_an_unsigned_first_value_written_as_signed():
    form = StoredForm(stored=16, high=15)
    values = 40_000 + make_values(StoredForm())
    table = make_table(words(SQUARES, 16), [4096, 40_000 - 65536, 16], signed=True)
    data = make_film(form, values, VOILUTSequence=[table])
    assert_shown(data, SQUARES, stored=values - 40_000)


@pytest.mark.parametrize("first", [0, 32768])
def test_65536_entries_are_written_as_0(first):
    form = StoredForm(stored=16, high=15, signed=first > 0)
    values = make_values(form)
    shares = np.linspace(0, 1, 65536) ** 2
    data = make_film(form, values, VOILUTSequence=[make_table(words(shares, 16), [0, first, 16])])
    assert_shown(data, shares, stored=values - form.lowest)


@pytest.mark.parametrize("entries", [4094, 4095, 4097, 4098])
def test_entries_more_or_fewer_than_the_descriptor_says(entries):
    shares = np.append(SQUARES, [1.0, 1.0])[:entries]
    data = voi_film(make_table(words(shares, 16), [4096, 0, 16]))
    assert_shown(data, SQUARES, atol=2e-3)


def test_output_that_does_not_fill_its_range_stays_in_it():
    shares = 0.2 + 0.5 * np.linspace(0, 1, 4096)
    data = voi_film(make_table(words(shares, 16), [4096, 0, 16]))
    assert_shown(data, shares)


@pytest.mark.parametrize("bits", [8, 0, 99, 10])
def test_entries_beyond_the_stated_bits_count_with_those_they_need(bits):
    data = voi_film(make_table(words(SQUARES, 12), [4096, 0, bits]))
    assert_shown(data, SQUARES, atol=1e-3)


def test_values_outside_of_a_table_take_its_ends():
    shares = np.linspace(0.1, 1, 1000)
    data = voi_film(make_table(words(shares, 16), [1000, 1500, 16]))
    expected = shares[np.clip(STORED.astype(int) - 1500, 0, 999)]
    np.testing.assert_allclose(formats.read_bytes(data).pixels, expected, atol=1e-4)


@pytest.mark.parametrize(("slope", "intercept"), [(-1, 4095), (2, 0), (0.5, 7), (-0.25, 2000)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_rescale_comes_before_a_voi_table(slope, intercept, photometric):
    data = voi_film(
        make_table(words(SQUARES, 16), [4096, 0, 16]),
        RescaleSlope=str(slope),
        RescaleIntercept=str(intercept),
        PhotometricInterpretation=photometric,
    )
    rescaled = STORED.astype(float) * slope + intercept
    expected = SQUARES[np.clip(np.rint(rescaled), 0, 4095).astype(int)]
    expected = 1 - expected if photometric == "MONOCHROME1" else expected
    np.testing.assert_allclose(formats.read_bytes(data).pixels, expected, atol=1e-4)


def test_a_modality_table_counts_before_a_slope():
    data = make_dicom(
        STORED,
        ModalityLUTSequence=[make_table(words(SQUARES, 12), [4096, 0, 12])],
        RescaleSlope="3",
        RescaleIntercept="-500",
        **WINDOW,
    )
    expected = apply_linear_window(np.rint(SQUARES * 4095)[STORED], 2000, 1000)
    np.testing.assert_allclose(formats.read_bytes(data).pixels, expected, atol=1e-4)


def test_a_table_counts_before_a_window():
    data = voi_film(make_table(words(SQUARES, 16), [4096, 0, 16]), **WINDOW)
    assert_shown(data, SQUARES)
    assert formats.read_bytes(data).windows == ()


NONSENSE = [
    pytest.param(make_table(b"", [4096, 0, 16]), id="no data"),
    pytest.param(make_table(words(SQUARES[:100], 16), [4096, 0, 16]), id="100 of 4096 entries"),
    pytest.param(make_table(words(SQUARES, 16), [4096, 0]), id="descriptor of two values"),
    pytest.param(make_table(words(SQUARES * 0, 16), [4096, 0, 16]), id="all entries 0"),
    pytest.param(make_table(words(SQUARES * 0.01, 16), [4096, 0, 16]), id="nearly black"),
    pytest.param(make_table(words(SQUARES, 16), [4096, 30_000, 16]), id="far from the values"),
]


@pytest.mark.parametrize("table", NONSENSE)
def test_a_nonsense_table_is_passed_over_for_the_window(table):
    film = formats.read_bytes(voi_film(table, **WINDOW))
    expected = apply_linear_window(STORED, 2000, 1000)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)


@pytest.mark.parametrize("table", NONSENSE)
def test_a_nonsense_table_alone_gives_an_automatic_window_and_a_note(table):
    film = formats.read_bytes(voi_film(table))
    np.testing.assert_allclose(film.pixels, STORED / 4095, atol=1e-5)
    assert film.notes == (FilmNote.WINDOW_NOT_USED,)


def test_the_first_valid_of_several_items_counts():
    good = make_table(words(SQUARES, 16), [4096, 0, 16])
    empty = pydicom.Dataset()
    other = make_table(words(SQUARES[::-1], 16), [4096, 0, 16])
    assert_shown(voi_film(empty, make_table(b"", [4096, 0, 16]), good, other), SQUARES)


@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize("tables", [[], [pydicom.Dataset()]])
def test_empty_items_beside_a_window_do_nothing(sequence, tables):
    film = formats.read_bytes(make_dicom(STORED, **{sequence: tables}, **WINDOW))
    np.testing.assert_allclose(film.pixels, apply_linear_window(STORED, 2000, 1000), atol=1e-5)
    assert film.notes == ()


@pytest.mark.parametrize("table", NONSENSE[:4])
def test_a_nonsense_modality_table_is_left_out(table):
    film = formats.read_bytes(make_dicom(STORED, ModalityLUTSequence=[table], **WINDOW))
    np.testing.assert_allclose(film.pixels, apply_linear_window(STORED, 2000, 1000), atol=1e-5)
