"""How many examples a property is tried with: all in CI, a part of them at a desk."""

import os

THOROUGH = bool(os.environ.get("CI"))


def examples(number):
    """This many in CI; a fifth of them, and 10 at least, otherwise."""
    return number if THOROUGH else max(10, number // 5)
