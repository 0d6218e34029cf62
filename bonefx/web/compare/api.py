"""Comparison of models for programs: the answer of the HTTP endpoint and of the MCP tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bonefx.errors import SettingsError
from bonefx.models.registry import LoadedModel
from bonefx.reading.comparison import ModelComparison, compare_readings, comparison_table
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph
from bonefx.web.shared.uploads import read_and_delete


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareApi:
    """Endpoint for programs."""

    reader: Reader

    def compare(self, film: str, models: list[str]) -> dict[str, Any]:
        """Read one bone radiograph with two or more models. Research software, no medical device.

        Args:
            film: A file in PNG, JPEG, TIFF, WebP, BMP or DICOM format; deleted once read.
            models: Names of two or more loaded models; each uses its default operating point.

        Returns:
            readings (one for each model, as from /read), verdicts_agree, peak (largest peak of
            all heat maps, in logits; null without a map) and agreements. An agreement compares
            two models: overlap (intersection over union of the regions where each map reaches
            half of its own peak, 0 to 1; null unless both have a map), reason and reason_codes
            (why there is no overlap), and teacher_and_student (whether one model was distilled
            from the other).
        """
        radiograph = read_and_delete(film)  # first, so that the file is deleted in every case
        chosen = choose_models(self.reader, models)
        return comparison_table(compare_models(self.reader, radiograph, chosen))


def choose_models(reader: Reader, names: Sequence[str]) -> list[LoadedModel]:
    """Return the loaded models of these names, in the order in which they were loaded.

    Raises:
        SettingsError: Fewer than two models are left.
    """
    chosen = [model for model in reader.models if model.name in names]
    if len(chosen) < 2:
        loaded = ", ".join(model.name for model in reader.models)
        raise SettingsError(f"choose two or more models; loaded: {loaded}")
    return chosen


def compare_models(
    reader: Reader, film: Radiograph, models: Sequence[LoadedModel]
) -> ModelComparison:
    """Read a film with several models and compare their readings."""
    return compare_readings([reader.read(film, model=model.name) for model in models])
