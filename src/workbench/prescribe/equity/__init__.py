"""Who gets the seats, what equal access costs, and who got to learn."""
