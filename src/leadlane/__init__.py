"""Leadlane: who owns a lead, how fast they must respond, and what happens if they do not."""

__version__ = "0.1.0"
