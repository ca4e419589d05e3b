"""For any OpenAPI document: read it, resolve it, normalise it, generate from it."""
