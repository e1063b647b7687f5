"""Stage 03: propensity score matching, from cohort to graded estimate."""
