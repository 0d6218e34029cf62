"""Reports of a case: one PDF and one structured report for several films."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import highdicom
import numpy as np
import pypdf
import pytest
import torch

from bonefx.errors import SettingsError
from bonefx.films.sources import FilmSource
from bonefx.models.registry import load_model
from bonefx.reading.case_report import compose_case, read_member
from bonefx.reading.reader import Reader
from bonefx.records import Verdict
from bonefx.report.case_report import MAX_FILMS
from bonefx.report.files import case_file_name, case_report_bytes
from bonefx.report.wording.cases import CASE_LIMITS
from bonefx.report.wording.readings import NOTICE
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.dicom_reports import SECRETS, texts_of
from tests.fixtures.image_files import make_pixels, make_png
from tests.fixtures.model_folders import make_model_folder

CREATED = datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC)
VIEWS = ("PA", "LL", "RLO")
STUDY = STUDY_ELEMENTS["StudyInstanceUID"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder)
    return Reader([load_model(folder / "tiny", device=torch.device("cpu"))])


def write_film(folder, view, *, seed, **changes):
    pixels = (make_pixels(160, 120, seed=seed) * 4095).astype(np.uint16)
    elements = {
        "BodyPartExamined": "WRIST", "ImageLaterality": "L", "ViewPosition": view,
        "SOPInstanceUID": f"1.2.3.{seed}",
    }  # fmt: skip
    path = folder / f"{seed}.dcm"
    path.write_bytes(make_dicom_of_study(stored=pixels, **(elements | changes)))
    return FilmSource(name=path.name, path=path)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return [write_film(folder, view, seed=seed) for seed, view in enumerate(VIEWS)]


def members_of(reader, sources):
    model = reader.model()
    return [
        read_member(reader, source, model=model.name, point=model.point().name)
        for source in sources
    ]


def composed(reader, sources, **changes):
    return compose_case(reader, members_of(reader, sources), created=CREATED, **changes)


def pages_of(case):
    pages = pypdf.PdfReader(io.BytesIO(case_report_bytes(case, "pdf"))).pages
    return [" ".join(page.extract_text().split()) for page in pages]


def test_the_pdf_has_the_verdicts_of_all_films_on_one_page_and_their_pictures_on_the_next(
    reader, sources
):
    case, _ = composed(reader, sources, text="Distal radius.")
    first, second = pages_of(case)
    for words in (
        "Wrist, left, 3 films", CASE_LIMITS, "Film 1 (wrist, left,", "Film 3 (wrist, left,",
        "Distal radius.", NOTICE, "2026-03-04 15:06 UTC", "Film by film:",
    ):  # fmt: skip
        assert words in first
    for film in case.films:
        assert film.report.reading.radiograph_sha256 in second
        assert film.name in second
    images = pypdf.PdfReader(io.BytesIO(case_report_bytes(case, "pdf"))).pages[1].images
    assert len(images) == 3
    assert not any(str(secret) in first + second for secret in SECRETS if len(str(secret)) > 3)


def test_the_films_are_named_with_the_most_urgent_first_whatever_the_order_of_the_list(
    reader, sources
):
    case, files = composed(reader, sources)
    again, _ = composed(reader, sources[::-1])
    probabilities = [film.report.reading.probability for film in case.films]
    assert probabilities == sorted(probabilities, reverse=True)
    assert case.verdict is case.first.reading.verdict
    assert [film.name for film in again.films] == [film.name for film in case.films]
    assert case.sha256 == again.sha256
    assert {source.name for source in files} == {source.name for source in sources}
    assert case_file_name(case, "pdf").startswith(f"case-{case.sha256[:16]}.tiny.")


def test_one_structured_report_names_each_image_with_its_own_finding(reader, sources):
    case, files = composed(reader, sources, text="Distal radius.")
    headers = [source.study() for source in files]
    content = case_report_bytes(case, "sr", headers=headers)
    assert content == case_report_bytes(case, "sr", headers=headers)
    document = highdicom.sr.srread(io.BytesIO(content))
    groups = document.content.get_image_measurement_groups()
    named = [group.source_images[0].referenced_sop_instance_uid for group in groups]
    assert named == [str(header.elements.SOPInstanceUID) for header in headers]
    for group, film in zip(groups, case.films, strict=True):
        (measurement,) = group.get_measurements()
        assert measurement.value == pytest.approx(film.report.reading.probability)
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == STUDY
    images = [
        image.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for image in series.ReferencedSOPSequence
    ]
    assert sorted(images) == sorted(named)
    comments = texts_of(document, "Comment")
    assert comments[0].startswith("Case, wrist, left, 3 films: ")
    assert CASE_LIMITS in comments
    for film in case.films:
        assert sum(text.startswith(f"{film.name}: ") for text in comments) == 1
    assert texts_of(document, "Impression") == ["Reader's own text: Distal radius."]
    assert document.PatientID == STUDY_ELEMENTS["PatientID"]


def test_films_of_two_studies_are_one_pdf_and_no_dicom_report(reader, sources, tmp_path):
    other = write_film(tmp_path, "PA", seed=9, StudyInstanceUID="1.2.9")
    case, files = composed(reader, [sources[0], other])
    assert len(pages_of(case)) == 2
    with pytest.raises(SettingsError, match="of several studies"):
        case_report_bytes(case, "sr", headers=[source.study() for source in files])


def test_identifiers_of_another_film_are_refused(reader, sources):
    case, files = composed(reader, sources)
    headers = [source.study() for source in files]
    with pytest.raises(SettingsError, match="another film"):
        case_report_bytes(case, "sr", headers=headers[::-1])


def test_a_film_that_cannot_be_read_is_named_and_leaves_no_calm_verdict(reader, sources, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(make_png()[:60])
    members = members_of(reader, [*sources, FilmSource(name="x", path=broken)])
    calm = [
        member
        if member.reading is None
        else replace(
            member, reading=replace(member.reading, verdict=Verdict.NO_FRACTURE, probability=0.1)
        )
        for member in members
    ]
    case, _ = compose_case(reader, calm, created=CREATED)
    assert case.verdict is None
    first, _ = pages_of(case)
    assert "not all films were read" in first
    assert "Film 1 was not read: " in first
    assert "4 films" in first
    with pytest.raises(SettingsError, match="no film of the case could be read"):
        compose_case(reader, [member for member in members if member.film is None])


def test_copies_count_once_and_too_many_films_are_refused(reader, sources, tmp_path):
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(sources[0].path.read_bytes())
    members = members_of(reader, [*sources, FilmSource(name="copy", path=copy)])
    case, _ = compose_case(reader, members)
    assert len(case.films) == len(sources)
    film = members[0].film
    many = [
        replace(members[0], film=replace(film, sha256=f"{number:064}"))
        for number in range(MAX_FILMS + 1)
    ]
    with pytest.raises(SettingsError, match="split the case"):
        compose_case(reader, many)


def test_a_long_text_is_cut_with_a_note(reader, sources):
    first, _ = pages_of(composed(reader, sources, text="Schrägfraktur. " * 500)[0])
    assert "Text cut" in first
    assert NOTICE in first


def test_other_forms_are_refused(reader, sources):
    case, _ = composed(reader, sources)
    with pytest.raises(SettingsError, match="use pdf or sr"):
        case_report_bytes(case, "png")
