"""People followed until something happens: curves, incidences, tests, effects."""
