"""What would overturn a matched estimate: hidden causes, refutations, variants."""
