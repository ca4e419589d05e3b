"""Copies a listing to data at rest: files and tables. Killed at any moment and started again, a copy goes on."""
