"""The brief: what an executive sees, as pages, and how they are published."""
