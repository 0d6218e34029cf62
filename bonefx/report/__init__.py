"""Reports of a reading: JSON, the canonical form, and its views as PNG, PDF and DICOM.

This package needs no torch. The PDF and DICOM libraries load when such a file is written.
"""

from bonefx.report.dicom.secondary_capture import secondary_capture_bytes
from bonefx.report.dicom.structured_report import structured_report_bytes
from bonefx.report.files import REPORT_FORMS, changes_suffix, file_name, report_bytes, write_report
from bonefx.report.image import report_png
from bonefx.report.pdf import pdf_bytes
from bonefx.report.record import Overlay, Report
from bonefx.report.tables import json_bytes, reading_table, report_table

__all__ = [
    "REPORT_FORMS",
    "Overlay",
    "Report",
    "changes_suffix",
    "file_name",
    "json_bytes",
    "pdf_bytes",
    "reading_table",
    "report_bytes",
    "report_png",
    "report_table",
    "secondary_capture_bytes",
    "structured_report_bytes",
    "write_report",
]
