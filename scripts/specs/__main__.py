"""scripts/regenerate"""

import sys

from specs.pipeline.command import main

sys.exit(main(sys.argv[1:]))
