"""Load pynetdicom, so that it logs no value of a film and no name of a peer."""

from __future__ import annotations

import importlib.util
import logging
import warnings

from bonefx.errors import SettingsError
from bonefx.films.dicom.libraries import prepare_dicom_libraries

PACKAGE = "pynetdicom"


def check_installed() -> None:
    """Raise a SettingsError that says what to install, if pynetdicom is missing."""
    if not _is_installed():
        raise SettingsError(
            f"talking to a PACS needs {PACKAGE}; install with: pip install 'bonefx[pacs]'"
        )


def _is_installed() -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


def prepare_network() -> None:
    """Load pynetdicom and keep it from logging; its messages quote what peers send.

    Raises:
        SettingsError: It is not installed.
    """
    check_installed()
    prepare_dicom_libraries()
    from pynetdicom import _config

    _config.LOG_HANDLER_LEVEL = "none"
    warnings.filterwarnings("ignore", module=PACKAGE)
    logging.getLogger(PACKAGE).setLevel(logging.CRITICAL + 1)
