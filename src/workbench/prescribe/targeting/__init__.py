"""Whom to give the seats: who gains, by how much, and what a rule is worth."""
