"""What time is it? The only module that asks; everything else is told."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant in UTC, to the microsecond."""
    return datetime.now(UTC)
