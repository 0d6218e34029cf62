"""Pictures that are not bone radiographs, for measuring a scope.

They are drawn, taken from installed packages, made from films, or read from a folder of the
user's; nothing is downloaded. Half of the origins of each kind are for development, the other half
is measured and reported.
"""

from train.evaluate.scope.intruders.drawn import draw_intruders
from train.evaluate.scope.intruders.folder import read_intruders
from train.evaluate.scope.intruders.packaged import find_intruders
from train.evaluate.scope.intruders.picture import DEVELOPMENT, REPORTED, Intruder
from train.evaluate.scope.intruders.spoiled import INVERTED_KIND, SPOILED, invert_films, spoil_films

__all__ = [
    "DEVELOPMENT", "INVERTED_KIND", "REPORTED", "SPOILED", "Intruder", "draw_intruders",
    "find_intruders", "invert_films", "read_intruders", "spoil_films",
]  # fmt: skip
