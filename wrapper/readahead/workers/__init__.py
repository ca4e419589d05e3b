"""Copies a listing by many workers: its parts are tasks of taskiq. A worker that dies loses no row, and adds none."""

from .jobs import CopyJob, CopyStatus

__all__ = ["CopyJob", "CopyStatus"]
