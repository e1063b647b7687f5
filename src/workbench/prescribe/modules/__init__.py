"""What the single modules of a programme are worth, beside the others."""
