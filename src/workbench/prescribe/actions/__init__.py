"""Next best actions of people: proposed by rules, signed off by people."""
