"""Figures: one style, one file per kind, drawn from result tables."""
