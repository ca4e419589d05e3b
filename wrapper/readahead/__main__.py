"""``python -m readahead`` is the command ``readahead``."""

import sys

from .cli import main

sys.exit(main())
