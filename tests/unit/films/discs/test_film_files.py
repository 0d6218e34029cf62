"""Which files of a patient's disc are films: by content, in folders and in archives."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePath

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ColorSoftcopyPresentationStateStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    HangingProtocolStorage,
    ImplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    MediaStorageDirectoryStorage,
    RawDataStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    TwelveLeadECGWaveformStorage,
    XRayRadiationDoseSRStorage,
)

from bonefx.errors import UnreadableRadiographError
from bonefx.films.discs.film_files import START_BYTES, may_be_film
from bonefx.films.sources import find_films
from bonefx.records import MIN_SIDE_PX
from tests.fixtures.archive_files import make_dicom_object, make_zip
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import encode_image, make_grey, make_png


def body_of(film, first=b""):
    """The elements of a film without preamble and meta information, from a tag on."""
    body = film[144 + int.from_bytes(film[140:144], "little") :]
    return body[body.index(first) :]


def with_nested_class():
    reference = pydicom.Dataset()
    reference.SOPClassUID = BasicTextSRStorage
    return make_dicom(ReferencedStudySequence=[reference])


def make_program():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0")
        made.writestr("logo.png", make_png())
    return buffer.getvalue()


def make_icon(file_format, side=32):
    return encode_image(Image.fromarray(np.zeros((side, side), np.uint8)), file_format)


OTHER_FILES = {
    "AUTORUN.INF": b"[autorun]\r\nopen=viewer.exe",
    "VIEWER/viewer.exe": b"MZ\x90\0" + bytes(4000),
    "VIEWER/core.dll": b"MZ\x90\0" + bytes(200),
    "VIEWER/libcore.so": b"\x7fELF\2\1\1\0",
    "VIEWER/viewer.jar": make_program(),
    "VIEWER/conf.ini": b"[viewer]\n",
    "VIEWER/table.dat": np.array([2, 16, 3, 4], "<u4").tobytes(),
    "VIEWER/more.dat": np.array([8, 16, 3, 4], "<u4").tobytes(),
    "VIEWER/help.chm": b"ITSF\3\0\0\0",
    "VIEWER/script.js": b"var a = 1;",
    "VIEWER/icons/logo.gif": encode_image(make_grey(), "GIF"),
    "VIEWER/icons/app.ico": encode_image(make_grey(), "ICO"),
    "VIEWER/icons/zoom.png": make_icon("PNG"),
    "VIEWER/icons/pan.bmp": make_icon("BMP", 24),
    "VIEWER/icons/exit.jpg": make_icon("JPEG", 16),
    "INDEX.HTM": b"<html><body>Films</body></html>",
    "README": b"Insert the disc and wait.",
    "README.TXT": b"",
    "report.pdf": b"%PDF-1.7 report",
    "letter.docx": b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
    "Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500),
    ".DS_Store": b"\0\0\0\1Bud1",
    "__MACOSX/._a.png": make_png(),
    "DICOMDIR": make_dicom_object(MediaStorageDirectoryStorage),
    "DICOM/GSPS": make_dicom_object(GrayscaleSoftcopyPresentationStateStorage),
    "DICOM/CSPS": make_dicom_object(ColorSoftcopyPresentationStateStorage),
    "DICOM/SR": make_dicom_object(BasicTextSRStorage),
    "DICOM/DOSE": make_dicom_object(XRayRadiationDoseSRStorage),
    "DICOM/KO": make_dicom_object(KeyObjectSelectionDocumentStorage),
    "DICOM/ECG": make_dicom_object(TwelveLeadECGWaveformStorage),
    "DICOM/PDF": make_dicom_object(EncapsulatedPDFStorage),
    "DICOM/RAW": make_dicom_object(RawDataStorage),
    "DICOM/PLAN": make_dicom_object(RTPlanStorage),
    "DICOM/CONTOURS": make_dicom_object(RTStructureSetStorage),
    "DICOM/HANGING": make_dicom_object(HangingProtocolStorage),
    "DICOM/CSA": make_dicom_object(UID("1.3.12.2.1107.5.9.1")),
    "DICOM/BARE_BIG_ENDIAN_SR": body_of(
        make_dicom(SOPClassUID=BasicTextSRStorage, syntax=ExplicitVRBigEndian)
    ),
    "VIEWER/long.dat": np.arange(2, 2000, dtype="<u4").tobytes(),
    "VIEWER/text.dat": b"\x08\0\x05\0ZZ",
    "DICOM/BARE_SR": make_dicom_object(BasicTextSRStorage, preamble=False),
}
FILMS = {
    "DICOM/PAT0/ST0/IM000000": make_dicom(),
    "DICOM/PAT0/ST0/IM000001.dcm": make_dicom(PhotometricInterpretation="MONOCHROME1"),
    "DICOMDIR.D/IM1": make_dicom(),
    "films/notes.txt": make_png(seed=1),  # the content decides
    "films/a.tif": encode_image(make_grey(dtype=np.uint16), "TIFF"),
    "films/b.JPG": encode_image(make_grey(), "JPEG"),
    "films/c": encode_image(make_grey(), "WEBP"),
    "bare/explicit": body_of(make_dicom()),
    "bare/implicit": body_of(make_dicom(syntax=ImplicitVRLittleEndian)),
    "bare/big-endian": body_of(make_dicom(syntax=ExplicitVRBigEndian)),
    "bare/modality": body_of(make_dicom(), b"\x08\0\x60\0"),
    "bare/implicit modality": body_of(make_dicom(syntax=ImplicitVRLittleEndian), b"\x08\0\x60\0"),
    "nested": with_nested_class(),
    "bare/nested": body_of(with_nested_class()),
    "bare/only nested": body_of(with_nested_class(), b"\x08\0\x60\0"),
}
UNREADABLE = {
    "DICOM/CT": (make_dicom_object(CTImageStorage), "modality OT"),
    "DICOM/CUT": (make_dicom()[:-500], "damaged|incomplete"),
    "bad/half.png": (make_png()[:2000], "damaged"),
    "bad/empty.dcm": (b"", "empty"),
    "bad/zeros.jpg": (bytes(4000), "not an image"),
    "bad/renamed.png": (b"%PDF-1.7", "found a PDF file"),
    "bad/zeros.avif": (bytes(4000), "not an image"),
    "bad/zeros.JPE": (bytes(4000), "not an image"),
    "bad/zeros.jxl": (bytes(4000), "not an image"),
    "bad/phone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "found a HEIC file"),
}


def as_folder(path, members):
    for name, content in members:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.fixture(params=["folder", "archive"])
def make_disc(request, tmp_path):
    """Return a function that lays files out as a folder or a zip archive."""

    def make(files):
        members = sorted(files.items())
        if request.param == "folder":
            return as_folder(tmp_path / "disc", members)
        return make_zip(tmp_path / "disc.zip", members)

    return make


def found_on(disc):
    found = find_films([("disc", disc)])
    return {film.name.removeprefix("disc/"): film for film in found.films}, found.left_out


def test_a_disc_gives_its_films_and_one_count_of_other_files(make_disc):
    films, left_out = found_on(make_disc(FILMS | OTHER_FILES))
    assert sorted(films) == sorted(FILMS)
    assert left_out == len(OTHER_FILES)
    assert all(film.read() for film in films.values())


@pytest.mark.parametrize("name", OTHER_FILES)
def test_each_other_file_is_left_out_for_itself(name, make_disc):
    films, left_out = found_on(make_disc({name: OTHER_FILES[name], "film": make_png()}))
    assert (list(films), left_out) == (["film"], 1)


def test_a_film_that_cannot_be_read_has_its_line_and_its_reason(make_disc):
    films, left_out = found_on(make_disc({name: data for name, (data, _) in UNREADABLE.items()}))
    assert (sorted(films), left_out) == (sorted(UNREADABLE), 0)
    for name, (_, reason) in UNREADABLE.items():
        with pytest.raises(UnreadableRadiographError, match=reason):
            films[name].read()


def test_a_folder_named_dicomdir_is_walked(make_disc):
    films, left_out = found_on(make_disc({"DICOMDIR/IM1": make_dicom(), "DICOM/IM2": make_dicom()}))
    assert (sorted(films), left_out) == (["DICOM/IM2", "DICOMDIR/IM1"], 0)


@pytest.mark.parametrize("name", [name for name in OTHER_FILES if not name.endswith(".jar")])
def test_a_file_that_is_given_alone_always_has_its_line(name, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OTHER_FILES[name])
    found = find_films([(name, path)])
    assert (len(found.films), found.left_out) == (1, 0)


def test_an_archive_without_films_in_a_folder_is_one_other_file(tmp_path):
    as_folder(tmp_path / "disc", [("film", make_png())])
    make_zip(tmp_path / "disc" / "skins.zip", [("a.ini", b"x"), ("b.ini", b"x")])
    films, left_out = found_on(tmp_path / "disc")
    assert (list(films), left_out) == (["film"], 1)


def test_only_the_start_of_a_member_is_unpacked_to_find_films(tmp_path, monkeypatch):
    read = []
    original = zipfile.ZipExtFile.read

    def counted(stream, n=-1):
        data = original(stream, n)
        read.append(len(data))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    noise = np.random.default_rng(0).bytes(1_000_000)
    make_zip(tmp_path / "disc.zip", [("a.exe", b"MZ" + noise), ("film", make_png())])
    found_on(tmp_path / "disc.zip")
    assert sum(read) <= 2 * 4096


@pytest.mark.parametrize("side", [1, 63, 64, 200])
@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}), ("BMP", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
        ("WEBP", {"quality": 80}), ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 80, "exif": b"Exif\0\0II*\0"}),
    ],
)  # fmt: skip
def test_a_picture_counts_as_an_icon_below_the_smallest_film(file_format, options, side):
    picture = Image.fromarray(np.zeros((side, 300), np.uint8))
    start = encode_image(picture, file_format, **options)[:START_BYTES]
    assert may_be_film(PurePath("a"), start) == (side >= MIN_SIDE_PX)
    assert may_be_film(PurePath("a"), start[:18])  # in doubt a film
