"""For our documents: take a new one, apply the overlay, lock, compare and report."""
