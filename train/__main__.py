"""Run the training command line with `python -m train`."""

import sys

from bonefx.search_path import stop_shadowing


def run() -> int:
    """Run the command line; the working directory cannot shadow the libraries that it loads."""
    stop_shadowing()
    from train.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
