"""Everything that decides: pure functions of (facts, policy version, now). Standard library only."""
