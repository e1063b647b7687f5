"""Differences in differences: learners before and after, against others."""
