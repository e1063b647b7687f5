"""Effects: who is compared with whom, the difference, its error and its evidence."""
