"""From extracts to canonical tables: map, check, protect, and cut in time."""
