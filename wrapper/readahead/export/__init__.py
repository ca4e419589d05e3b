"""Copies a listing to data at rest: files and tables. Killed at any moment and started again, a copy goes on."""

from .mirroring import Mirrored, mirror
from .postgres import Postgres
from .sqlite import SQLite

__all__ = ["Mirrored", "Postgres", "SQLite", "mirror"]
