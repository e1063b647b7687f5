"""Stage prescription: who of a persona goes first, and the next action of each."""
