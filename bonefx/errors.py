"""Errors that a user can do something about.

Each class stands for one thing to do, and carries the exit code of the command line. A message
says what was found and what to do. Every other exception is a bug and keeps its traceback.
"""

MODEL_REMEDY = "fetch the model again, or export it with this version"


class BonefxError(Exception):
    """Base class of all errors that are shown to a user as a sentence."""

    exit_code = 1


class UnreadableRadiographError(BonefxError):
    """The file is missing, is not an image, or is of a kind that is not read."""

    exit_code = 3


class DamagedRadiographError(UnreadableRadiographError):
    """A part of the picture is lost or wrong; the rest can be read with salvage=True."""


class DecodingFaultError(UnreadableRadiographError):
    """bonefx itself failed on the file; the log says where, without a value of the file."""


class WeightsError(BonefxError):
    """A model folder is missing or damaged, or its manifest is wrong."""

    exit_code = 4


class RecipeError(BonefxError):
    """A training recipe, or the data that it names, cannot be used."""

    exit_code = 5


class DivergedTrainingError(RecipeError):
    """A loss of a training is NaN or infinite; the checkpoint of the last epoch stays usable."""


class SettingsError(BonefxError):
    """An option or an environment variable has a value that cannot be used."""

    exit_code = 2
