"""From a request to an answer: one seam for HTTP libraries, retries, pacing."""
