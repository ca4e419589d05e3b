"""For workers on one machine or many: what processes that send for one account share."""

from .gate import SharedPace

__all__ = ["SharedPace"]
