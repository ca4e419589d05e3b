"""scripts/regenerate"""

import sys

from specs.command import main

sys.exit(main(sys.argv[1:]))
