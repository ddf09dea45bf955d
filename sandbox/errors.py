"""What can go wrong in the sandbox: an error with Slack's own name, or something a person could not do."""

from typing import Any


class SlackError(Exception):
    """An `ok: false` of the Web API; `name` is Slack's word and `extra` the rest of the answer."""

    def __init__(self, name: str, **extra: Any) -> None:
        super().__init__(name)
        self.name = name
        self.extra = extra


class StateError(SlackError):
    """One whose name says that the call was wrong, when it is the workspace that has changed under it."""


class Mistake(SlackError):
    """One whose name says that something is not there, when it is the call that was wrong; `sentence` says how."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name)
        self.sentence = sentence


class TooMany(Exception):
    """HTTP 429: one call more than Slack allows; `seconds` is when to try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many calls: try again in {seconds} s")
        self.seconds = seconds


class NotPossible(Exception):
    """A person tried what Slack's client would not let him do; `fields` says it for each block id of a form."""

    def __init__(self, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = fields or {}


class Trouble(Exception):
    """Slack reached the app in vain; `name` is Slack's word, the sentence is what the person reads."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


TROUBLE_CONNECTING = "We had some trouble connecting. Try again?"
