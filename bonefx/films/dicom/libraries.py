"""Load pydicom and gdcm, so that they log no value of a file.

Both load slowly, and are imported inside functions only.
"""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import suppress


def prepare_dicom_libraries() -> None:
    """Load gdcm and pydicom, and keep them from logging values of a file.

    The libraries reset their own settings, so that this runs before every file. A filter, because
    warnings.catch_warnings is not safe between threads.
    """
    _load_gdcm()
    import pydicom  # noqa: F401  (importing it sets its log level)

    warnings.filterwarnings("ignore", module=r"pydicom|highdicom")
    for name in ("pydicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _load_gdcm() -> None:
    """Load gdcm, where it is installed, before pydicom does, with its probes for modules blocked.

    gdcm imports `dl`, then `DLFCN`, and uses what it finds. A folder of such a name in the working
    directory would make gdcm, and with it pydicom, fail to load.
    """
    if "gdcm" in sys.modules:
        return
    blocked = [name for name in ("dl", "DLFCN") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None blocks an import
    try:
        with suppress(ImportError):
            import gdcm  # noqa: F401
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
