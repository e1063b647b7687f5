"""Planning the next experiment: size, duration, registration."""
