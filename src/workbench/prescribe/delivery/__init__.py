"""Bringing what is prescribed into the flow of work: files for other systems."""
