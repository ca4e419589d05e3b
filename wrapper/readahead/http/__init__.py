"""Send requests: credentials, pacing, retries, and one adapter for each HTTP library."""
