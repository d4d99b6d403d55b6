"""Why did it come out like this, and what would have changed it? Decisions in words for sales reps."""

from leadlane.explain.explanation import Explanation, Line, Section
from leadlane.explain.nearest import Change, nearest
from leadlane.explain.reasons import reason_words
from leadlane.explain.words import explain

__all__ = ["Change", "Explanation", "Line", "Section", "explain", "nearest", "reason_words"]
