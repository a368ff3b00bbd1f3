"""Log files, as what they add up to: a stretch is a tally, and two neighbouring tallies are joined."""
