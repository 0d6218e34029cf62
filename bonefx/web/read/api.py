"""Reading one film for programs: the answer of the HTTP endpoint and of the MCP tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import invert_radiograph
from bonefx.report import reading_table
from bonefx.web.shared.uploads import read_and_delete


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadApi:
    """Endpoint for programs."""

    reader: Reader

    def read(  # gradio passes values by position
        self,
        film: str,
        point: str | None = None,
        invert: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[str, Any]:
        """Read one bone radiograph for a fracture. Research software, not a medical device.

        Args:
            film: A file in PNG, JPEG, TIFF, WebP, BMP or DICOM format; deleted once read.
            point: Name of an operating point; the model's default if empty.
            invert: Swap black and white first, because the film shows bone dark.

        Returns:
            sha256 (of the film's file), model, weights_sha256, verdict (fracture, no_fracture,
            review or out_of_scope), reason with its reason_code, reason_value (measured) and
            reason_limit, probability (calibrated, 0 to 1), logit, point, threshold, review_band
            [low, high], heat_peak (logits), trust (checks of the heat map, with the failures for
            which it is not drawn; null without a map), caution (why films should not be read with
            this model; null without cause), inverted (as requested), looks_inverted (out of scope
            as it is, and in scope with invert), regions (recognised body regions; null where the
            model does not recognise any), region_notes (figures of the model for these regions),
            device and elapsed_s. A film out of scope has no probability and no map; reason says
            why and what to do.
        """
        radiograph = read_and_delete(film)
        radiograph = invert_radiograph(radiograph) if invert else radiograph
        reading = self.reader.read(radiograph, point=point or None)
        return reading_table(with_second_opinion(self.reader, radiograph, reading))
