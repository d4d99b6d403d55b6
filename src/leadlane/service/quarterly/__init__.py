"""What is to change? The quarterly review: findings, proposals tried out, verdicts that are remembered."""
