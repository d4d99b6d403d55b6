"""An invented company's leads and accounts: nothing in here exists. Deterministic, by a seed of its own."""
