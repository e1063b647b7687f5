"""Who is compared with whom, and when: personas and target trials."""
