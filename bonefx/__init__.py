"""bonefx: a second opinion on bone radiographs, with the evidence behind it."""

__version__ = "0.1.0"
