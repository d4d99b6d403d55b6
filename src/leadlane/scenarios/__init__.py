"""Does a policy do what its owners say? Stories in YAML, run in virtual time by what routes real leads."""
