"""How many examples a property is tried with: all with ``scripts/test --all``, half in CI, a part of them at a desk."""

import os

THOROUGH = bool(os.environ.get("CI"))
EVERY = os.environ.get("EXAMPLES") == "all"


def examples(number):
    """This many with ``--all``, half in CI, a fifth otherwise; and 10 at least."""
    return number if EVERY else max(10, number // (2 if THOROUGH else 5))
