"""`python -m bonefx`: the command line."""

import sys

from bonefx.cli.parser import main

sys.exit(main())
