"""Stage 05: experiments, from assignment to graded effect."""
