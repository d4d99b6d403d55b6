"""What happened, what it cost, what to change: figures with count, period and uncertainty."""
