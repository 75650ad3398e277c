"""The errors this project raises on purpose; everything else that escapes is a bug."""


class EmotionError(Exception):
    """A failure that was foreseen: its message is one line for the person at the keyboard."""


class SettingsError(EmotionError):
    """Settings that cannot be used; `complaints` holds one line for each."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class UnreadableError(EmotionError):
    """One file, row or source that cannot be read; among many, the others still can."""
