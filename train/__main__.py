"""`python -m train`: fit, evaluate, export."""

import sys

from train.cli import main

sys.exit(main())
