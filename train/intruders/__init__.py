"""Pictures that are no bone films, made or found on this machine: nothing is fetched.

Half of the sources of each kind are for development, the other half is measured and reported.
"""

from train.intruders.drawn import drawn
from train.intruders.found import found
from train.intruders.picture import DEVELOPMENT, REPORTED, Intruder
from train.intruders.spoiled import INVERTED, SPOILED, inverted, spoiled

__all__ = [
    "DEVELOPMENT", "INVERTED", "REPORTED", "SPOILED", "Intruder", "drawn", "found", "inverted",
    "spoiled",
]  # fmt: skip
