"""Clients generated from the documents in openapi/; only scripts/regenerate writes here."""
