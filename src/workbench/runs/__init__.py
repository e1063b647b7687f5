"""The quarterly run: plan the notebooks, carry them, keep what is unchanged."""
