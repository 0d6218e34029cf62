"""The errors that a user can do something about.

Each class stands for one thing to do and carries the exit code that the command line ends with.
Messages say what was found and what to do. Everything that is not a BonefxError is a bug and keeps
its traceback.
"""


class BonefxError(Exception):
    """Base of all errors that are shown to a user as a sentence."""

    exit_code = 1


class UnreadableRadiographError(BonefxError):
    """The file is missing, is not an image, or is a kind that we do not read."""

    exit_code = 3


class WeightsError(BonefxError):
    """A model folder is missing, damaged, or does not say what it must say."""

    exit_code = 4


class RecipeError(BonefxError):
    """A training recipe or the data that it names cannot be used."""

    exit_code = 5


class SettingsError(BonefxError):
    """An option or an environment variable asks for something that cannot be had."""

    exit_code = 2
