"""Valid readings, reports and DICOM films with a study, so that a test names only its subject."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bonefx.records import Calibration, Estimate, Guarantee, Reading, Verdict
from bonefx.report import Overlay, Report
from tests.factories import make_pixels, make_point
from tests.unit.test_images import make_dicom

CREATED = datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC)
STUDY = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1", "StudyDate": "20260301",
    "StudyTime": "101112", "StudyID": "S77", "AccessionNumber": "ACC4711",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.2",
    "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.3",
    "PatientName": "Secret^Patient", "PatientID": "SECRET-0815", "PatientBirthDate": "19510203",
    "PatientSex": "F", "ReferringPhysicianName": "Referrer^Hidden", "StudyDescription": "Wrist",
    "PatientOrientation": ["L", "F"], "BodyPartExamined": "WRIST", "Laterality": "L",
}  # fmt: skip


def make_measured_point(**changes: Any) -> Any:
    """An operating point with figures that differ from each other."""
    figures = {
        "sensitivity": Estimate(value=0.801, low=0.702, high=0.873, n=98),
        "specificity": Estimate(value=0.914, low=0.885, high=0.936, n=484),
        "review_rate": Estimate(value=0.125, low=0.1, high=0.155, n=582),
        "missed_rate": Estimate(value=0.031, low=0.017, high=0.052, n=430),
        "guarantee": Guarantee(missed_at_most=0.075, confidence=0.95, n=392, missed=13),
    }
    return make_point(**(figures | changes))


def make_reading(**changes: Any) -> Reading:
    """A valid reading; one out of scope loses its figures by itself."""
    reading: dict[str, Any] = {
        "radiograph_sha256": "ab" * 32, "model": "tiny", "weights_sha256": "cd" * 32,
        "verdict": Verdict.FRACTURE, "point": make_measured_point(), "device": "cpu",
        "elapsed_s": 0.02, "logit": 1.0, "probability": 0.731, "heat_peak": 0.43,
    }  # fmt: skip
    if changes.get("verdict") is Verdict.OUT_OF_SCOPE:
        reading |= {
            "logit": None, "probability": None, "heat_peak": None,
            "reason": "The film looks unlike those that the model was trained on.",
        }  # fmt: skip
    return Reading(**(reading | changes))


def make_overlay(film: np.ndarray) -> Overlay:
    """A film with some red in its middle."""
    pixels = np.dstack([film] * 3)
    pixels[len(film) // 3 : len(film) // 2, :, 0] = 250
    ramp = np.arange(256, dtype=np.uint8)
    heat = np.zeros(film.shape, np.float32)
    heat[len(film) // 3 : len(film) // 2, 5:20] = 1.0
    corner = np.array([[5, 40], [5, 59], [19, 59], [19, 40]], np.int32)
    return Overlay(
        heat=heat, contours=(corner,), pixels=pixels,
        scale=np.dstack([ramp, ramp[::-1], ramp])[0], opacity=0.5,
    )  # fmt: skip


def make_report(*, shape: tuple[int, int] = (120, 96), **changes: Any) -> Report:
    """A valid report; with a map unless its film is out of scope."""
    reading = changes.pop("reading", None) or make_reading()
    film = np.rint(make_pixels(*shape) * 255).astype(np.uint8)
    report: dict[str, Any] = {
        "reading": reading, "film": film, "heat_floor": 0.1, "created": CREATED,
        "facts": (("Film", "DICOM, 12-bit, 96 x 120 px"), ("Body part", "WRIST")),
        "overlay": None if reading.probability is None else make_overlay(film),
        "calibration": Calibration(method="platt", slope=1.0, intercept=0.0, n=513, split="val"),
        "version": "9.8.7",
    }  # fmt: skip
    return Report(**(report | changes))


def make_out_of_scope(**changes: Any) -> Report:
    """A report about a film that the model refused."""
    return make_report(reading=make_reading(verdict=Verdict.OUT_OF_SCOPE), **changes)


def make_study_film(**changes: Any) -> bytes:
    """The bytes of a DICOM film that belongs to a patient and a study."""
    return make_dicom(**(STUDY | changes))


def report_of_film(data: bytes, *, report: Any = make_report, **changes: Any) -> Report:
    """A report whose reading is of a film's own bytes."""
    made: Report = report(**changes)
    object.__setattr__(made.reading, "radiograph_sha256", hashlib.sha256(data).hexdigest())
    return made
