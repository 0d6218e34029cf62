"""bonefx: a second opinion on bone radiographs, with the evidence behind it."""

from pathlib import Path

__version__ = "0.1.0"


def data_folder(name: str) -> Path:
    """Return a folder of data files: weights or examples.

    A wheel carries it inside the package; in a checkout it is beside the package.
    """
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
