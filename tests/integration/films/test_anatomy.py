"""The body part of a film, from words and from codes."""

from __future__ import annotations

import pydicom
import pytest

from bonefx.films import formats
from bonefx.films.dicom.anatomy import is_limb
from bonefx.scope.body_parts import body_part_refusal
from tests.fixtures.dicom_files import make_dicom, with_raw


def region(value, scheme, meaning=""):
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def body_part(*regions, **changes):
    return formats.read_bytes(make_dicom(AnatomicRegionSequence=list(regions), **changes)).body_part


def refused(*regions, **changes):
    film = formats.read_bytes(make_dicom(AnatomicRegionSequence=list(regions), **changes))
    return body_part_refusal(film, ("hand",)) is not None


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (region("T-D8700", "SRT", "Hand"), "HAND"),
        (region("T-D8700", "SNM3", ""), "HAND"),
        (region("T-D8700", "99SDM", ""), "HAND"),
        (region("85562004", "SCT", ""), "HAND"),
        (region("t-d8700", "srt", ""), "HAND"),
        (region("T-D3000", "SRT", "Chest"), "CHEST"),
        (region("T-D3000", "SNM3", "Thorax"), "CHEST"),
        (region("51185008", "SCT", ""), "CHEST"),
        (region("43799004", "SCT", ""), "CHEST"),
        (region("T-11503", "SRT", ""), "LUMBAR SPINE"),
        (region("12", "99LOCAL", "Chest"), "CHEST"),
        (region("12", "99LOCAL", "lumbar spine"), "LUMBAR SPINE"),
        (region("12", "99LOCAL", "Jane Miller, left side"), None),
        (region("12", "99LOCAL", ""), None),
        (region("12", "99LOCAL", "Chest, PA"), "CHEST"),
        (region("12", "99LOCAL", "Thorax AP"), "CHEST"),
        (region("12", "99LOCAL", "Torax"), "CHEST"),
        (region("12", "99LOCAL", "Chest X-ray"), "CHEST"),
        (region("12", "99LOCAL", "Lungs"), "LUNG"),
        (region("12", "99LOCAL", "Chest wall"), "CHEST"),
        (region("12", "99LOCAL", "Hand, chest wall"), None),
        (region("12", "99LOCAL", "Thoracic limb"), None),
        (region("12", "99LOCAL", "Left hand PA"), None),
        (region("12", "99LOCAL", "Miller, Chester"), None),
        (region("302551006", "SCT", ""), "CHEST"),
        (region("", "", ""), None),
        (pydicom.Dataset(), None),
    ],
)
def test_codes_name_the_part_where_the_header_has_no_word(item, part):
    assert body_part(item) == part


@pytest.mark.parametrize(
    "item",
    [
        region("T-D3000", "SRT"), region("T-D3000", "SNM3"), region("51185008", "SCT"),
        region("T-11503", "SRT"), region("T-D1100", "SRT"), region("69536005", "SCT"),
        region("T-D4000", "SRT"), region("818981001", "SCT"), region("1", "L", "Chest"),
        region("T-28000", "SRT"), region("T-11300", "SRT"), region("T-D1600", "SRT"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("examined", [None, "HAND", "EXTREMITY", "CHEST"])
def test_a_region_that_is_no_limb_is_refused_whatever_the_word_says(item, examined):
    changes = {} if examined is None else {"BodyPartExamined": examined}
    assert refused(item, **changes)


@pytest.mark.parametrize(
    "item",
    [
        region("T-D8700", "SRT"), region("T-D9700", "SRT"), region("T-12710", "SRT"),
        region("T-15460", "SRT"), region("T-D9400", "SRT"), region("T-D2220", "SRT"),
        region("1", "L", "Jane Miller"),
    ],
)  # fmt: skip
def test_limbs_and_unknown_codes_are_not_refused(item):
    assert not refused(item)
    assert not refused(item, BodyPartExamined="HAND")
    assert refused(item, BodyPartExamined="CHEST")


def test_a_limb_in_codes_does_not_change_the_word():
    assert body_part(region("T-D8700", "SRT"), BodyPartExamined="EXTREMITY") == "EXTREMITY"
    assert body_part(region("T-D3000", "SRT"), BodyPartExamined="CHEST") == "CHEST"
    assert body_part(region("T-D8700", "SRT"), region("T-D3000", "SRT")).startswith("HAND / ")


@pytest.mark.parametrize("text", [b"CHEST PA AND LATERAL, ERECT", b"Miller Jane, chest (2 views)"])
def test_a_known_part_is_found_among_other_words(text):
    data = with_raw(make_dicom(), BodyPartExamined=("CS", text))
    assert formats.read_bytes(data).body_part == "CHEST"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (b"HAND\\CHEST", "HAND / CHEST"),
        (b"CHEST\\HAND", "CHEST"),
        (b"HAND\\WRIST", "HAND"),
        (b"\\HAND", "HAND"),
    ],
)
def test_each_value_of_the_body_part_counts(given, part):
    data = with_raw(make_dicom(), BodyPartExamined=("CS", given))
    assert formats.read_bytes(data).body_part == part


@pytest.mark.parametrize("part", ["TRUNK", "ABD", "BABYGRAM", "TORAX", "TORAX_PA"])
def test_other_words_for_the_trunk_are_refused(part):
    assert refused(BodyPartExamined=part)


def test_a_structure_of_the_trunk_is_refused():
    lung = region("39607008", "SCT", "Lung")
    assert refused(PrimaryAnatomicStructureSequence=[lung])
    assert refused(PrimaryAnatomicStructureSequence=[lung], BodyPartExamined="HAND")
    assert not refused(PrimaryAnatomicStructureSequence=[region("85562004", "SCT", "Hand")])


@pytest.mark.parametrize("name", ["LOWER LEG", "WRIST JOINT", "HIP", "ANKLE JOINT", "PELVIS"])
def test_limbs(name):
    assert is_limb(name)


@pytest.mark.parametrize("name", ["SACROILIAC JOINT", "CHEST", "STOMACH AND DUODENUM"])
def test_other_regions(name):
    assert not is_limb(name)
