"""Where Python looks for modules, so that files beside a user's films never shadow a library.

Imports only what Python itself has loaded at start, because it must run before anything else.
"""

import os
import sys

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120


def stop_shadowing() -> None:
    """Stop the working directory, or the folder of app.py, from shadowing libraries.

    Python puts that folder first in sys.path for `python -m` and `python app.py`. It is removed;
    if bonefx itself lies in it (a checkout that is not installed), it becomes the last one instead.
    """
    if sys.flags.safe_path or not sys.path:
        return
    first = os.path.realpath(sys.path[0] or os.curdir)
    own_folder = os.path.realpath(OWN_FOLDER)
    if first == own_folder:
        sys.path.append(sys.path.pop(0))
    elif first == os.path.realpath(os.curdir):
        del sys.path[0]
