"""Read a Radiograph from a DICOM file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from bonefx.films.automatic_window import DisplayedFilm
from bonefx.films.dicom.anatomy import body_part
from bonefx.films.dicom.elements import code, text
from bonefx.films.dicom.header import (
    laterality,
    parse_header,
    pixel_aspect,
    spacing_mm,
    spacing_plane,
)
from bonefx.films.dicom.pixel_data import decode_pixels, without_pixels
from bonefx.films.dicom.pixel_format import pixel_format
from bonefx.films.dicom.shutters import find_shutter
from bonefx.films.dicom.study import study_hash
from bonefx.films.dicom.voi import show_stored
from bonefx.films.geometry import with_square_pixels
from bonefx.films.limits import check_size
from bonefx.films.pictures import grey, unit_8_bit
from bonefx.records import FilmNote, Radiograph

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FOR_PROCESSING_CLASSES = tuple(  # of digital X-ray, mammography and intra-oral films
    f"1.2.840.10008.5.1.4.1.1.1.{kind}" for kind in ("1.1", "2.1", "3.1")
)


def read_dicom(data: bytes, sha256: str, *, salvage: bool = False) -> Radiograph:
    """Read a film from a DICOM file, as viewers show it.

    Args:
        data: Content of the whole file.
        sha256: Checksum of the bytes.
        salvage: See formats.read_bytes.

    Raises:
        DamagedRadiographError: A part of the pixels can be read with salvage.
        UnreadableRadiographError: The file is damaged, too large, not a radiograph, or stored in a
            form that is not read.
    """
    header = parse_header(data)
    form = pixel_format(header)
    check_size(form.columns, form.rows)
    stored = decode_pixels(header, form, salvage=salvage)
    shutter = find_shutter(
        header, rows=form.rows, columns=form.columns, aspect=pixel_aspect(header) or 1.0
    )
    if shutter is not None:
        stored = without_pixels(stored, shutter.outside)
    if stored.values.ndim == 3:
        shown, unfit = DisplayedFilm(unit_8_bit(grey(Image.fromarray(stored.values)))), False
    else:
        shown, unfit = show_stored(header, stored)
    film = Radiograph(
        pixels=shown.pixels,
        sha256=sha256,
        file_format="DICOM",
        bits=stored.form.stored,
        photometric=stored.form.photometric,
        modality=code(header, "Modality"),
        body_part=body_part(header),
        view=code(header, "ViewPosition"),
        laterality=laterality(header),
        study=study_hash(header),
        spacing_mm=spacing_mm(header),
        spacing_plane=spacing_plane(header),
        full=shown.full,
        windows=shown.windows,
        field=shutter and shutter.box,
        notes=_notes(header, damaged=stored.damaged, window_unfit=unfit),
    )
    return with_square_pixels(film, pixel_aspect(header))


def _notes(header: Dataset, *, damaged: bool, window_unfit: bool) -> tuple[FilmNote, ...]:
    notes = [
        (FilmNote.DAMAGED, damaged),
        (FilmNote.FOR_PROCESSING, _is_for_processing(header)),
        (FilmNote.WINDOW_NOT_USED, window_unfit),
    ]
    return tuple(note for note, applies in notes if applies)


def _is_for_processing(header: Dataset) -> bool:
    """Return whether the film is raw data; its SOP class tells where its intent is absent."""
    intent = code(header, "PresentationIntentType")
    if intent is None:
        return text(header, "SOPClassUID") in FOR_PROCESSING_CLASSES
    return intent.replace("_", " ") == "FOR PROCESSING"
