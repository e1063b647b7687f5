"""Stage portfolio: what every module is worth, and the paths of a quarter."""
