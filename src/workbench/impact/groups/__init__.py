"""Effects by protected group, their differences, and small cells kept back."""
