"""List endpoints: recognised in any OpenAPI document, and written down as a binding."""
