"""What went wrong, told to the person who can do something about it."""


class LeadlaneError(Exception):
    """An expected failure: `message` says what and where, `hint` what to do about it (may be empty).

    The command line prints both and exits with 1; anything else that escapes is a defect and shows a
    traceback.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class SettingsError(LeadlaneError):
    """A setting is unknown or has a value that it cannot have."""


class DatabaseError(LeadlaneError):
    """The database cannot be started, reached, upgraded, saved or restored."""
