"""`python -m bonefx`: the command line."""

import sys

from bonefx.cli import main

sys.exit(main())
