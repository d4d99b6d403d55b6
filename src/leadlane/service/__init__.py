"""What can be done? One module a verb, one transaction each; the thin shell around the pure core."""
