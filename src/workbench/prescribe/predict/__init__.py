"""Predictions per employee: planning support, with what they are worth."""
