"""From OpenAPI documents to `generated/`: take, overlay, normalise, compare, generate."""
