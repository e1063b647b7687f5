"""From effects to what to do next: paths, people, rules and delivery."""
