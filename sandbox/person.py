"""People at work in a running sandbox: what a person sees and does, as Python, through the same doors as the page."""

from typing import Any

from sandbox.asking import Asking, SandboxError, Trouble
from sandbox.seen import Message, Outcome, View, read_message, read_view
from sandbox.switches import FaultSwitches

__all__ = ["Person", "SandboxError", "Trouble", "Workspace"]

Values = dict[str, Any]


class Workspace(Asking):
    """A running sandbox as its administrator sees it; `faults` makes things go wrong on purpose."""

    @property
    def faults(self) -> FaultSwitches:
        """What can be made to go wrong."""
        return FaultSwitches(self)

    def person(self, person_id: str) -> "Person":
        """The person with this id."""
        return Person(self, person_id)

    def description(self) -> dict[str, Any]:
        """The team, the app, the people, the channels and how many connections the app has."""
        return self.ask("workspace")

    def connections(self) -> int:
        """How many Socket Mode connections the app has now."""
        return self.description()["connections"]

    def violations(self) -> list[dict[str, Any]]:
        """What the app did that Slack would have refused: `[{where, error, messages}]`."""
        return self.ask("violations")["violations"]

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """What went to and fro since entry `after`: `[{number, at, way, name, sent, answer, ms, error}]`."""
        return self.ask("journal", after=after)["entries"]

    def now(self) -> float:
        """Seconds since the epoch by the workspace's clock."""
        return self.description()["now"]

    def move_clock(self, seconds: float) -> None:
        """Lets this much time pass at once: trigger ids and response URLs age, retries come, rate limits ease."""
        self.ask("move_clock", seconds=seconds)

    def refresh_connections(self) -> None:
        """Makes every connection come back on a new one, as Slack does every few hours."""
        self.ask("refresh_connections")

    def use_request_url(self, url: str) -> None:
        """Saves a request URL in the app's settings, once it has answered Slack's challenge; "" means Socket Mode.

        `Trouble` when it does not answer as it must.
        """
        self.answered("request_url", url=url)

    def check_ssl(self) -> None:
        """Sends the request URL the `ssl_check` probe; `Trouble` when the answer is not 200."""
        self.answered("check_ssl")

    def deactivate(self, person_id: str, *, session_lives: bool = False) -> None:
        """Deactivates an account; with `session_lives` a page that was open can still press for a moment."""
        self.ask("admin", do="deactivate", person=person_id, session_lives=session_lives)

    def reactivate(self, person_id: str) -> None:
        """Gives an account back."""
        self.ask("admin", do="reactivate", person=person_id)

    def make_guest(self, person_id: str) -> None:
        """Turns a member into a guest."""
        self.ask("admin", do="make_guest", person=person_id)

    def make_member(self, person_id: str) -> None:
        """Turns a guest into a member."""
        self.ask("admin", do="make_member", person=person_id)

    def archive(self, channel: str) -> None:
        """Archives a channel."""
        self.ask("admin", do="archive", channel=channel)

    def unarchive(self, channel: str) -> None:
        """Opens an archived channel again."""
        self.ask("admin", do="unarchive", channel=channel)

    def share(self, channel: str, *, in_org: bool = False) -> None:
        """Shares a channel with another company, or with `in_org` with another workspace of the organisation."""
        self.ask("admin", do="share", channel=channel, in_org=in_org)

    def unshare(self, channel: str) -> None:
        """Ends the sharing of a channel."""
        self.ask("admin", do="unshare", channel=channel)

    def uninstall_app(self) -> None:
        """Takes the app out of the workspace: its tokens are good for nothing any more."""
        self.ask("admin", do="uninstall_app")

    def add_to_channel(self, person_id: str, channel: str) -> None:
        """Adds a person, or the app's bot user, to a channel."""
        self.ask("admin", do="add_to_channel", person=person_id, channel=channel)

    def remove_from_channel(self, person_id: str, channel: str) -> None:
        """Takes a person, or the app's bot user, out of a channel."""
        self.ask("admin", do="remove_from_channel", person=person_id, channel=channel)


class Person:
    """One person at his screen. Everything raises `SandboxError` when he could not do that in Slack."""

    def __init__(self, workspace: Workspace, person_id: str) -> None:
        self.workspace = workspace
        self.id = person_id
        self.direct_message = "D" + person_id[1:]
        """The channel id of his direct message with the app."""

    def command(self, channel: str, name: str, text: str = "") -> Outcome:
        """Types a slash command in a channel he is in, or in `direct_message`."""
        answer = self._do("command", channel=channel, command=name, text=text)
        message = read_message(channel, answer["message"]) if "message" in answer else None
        return Outcome(answer.get("error"), answer.get("text") or (message.words if message else ""), message)

    def shortcut(self, callback_id: str) -> Outcome:
        """Starts a global shortcut."""
        answer = self._do("shortcut", callback_id=callback_id)
        return Outcome(answer.get("error"), answer.get("text", ""))

    def say(self, channel: str, text: str, *, thread: str | None = None) -> str:
        """Sends an ordinary message, or a reply to the message with the timestamp `thread`; gives its timestamp."""
        return self._do("say", channel=channel, text=text, thread_ts=thread)["ts"]

    def edit(self, channel: str, ts: str, text: str) -> None:
        """Changes the words of a message of his own."""
        self._do("edit", channel=channel, ts=ts, text=text)

    def delete(self, channel: str, ts: str) -> None:
        """Takes a message of his own away."""
        self._do("delete", channel=channel, ts=ts)

    def open_home(self, tab: str = "home") -> View | None:
        """Goes to the app's Home tab (or `messages`), of which the app is told; gives what it shows at that moment."""
        return _home(self._do("home", tab=tab))

    def home(self) -> View | None:
        """What his Home tab shows, without going there; None before the app published anything."""
        return _home(self._do("home", look=True))

    def messages(self, channel: str) -> list[Message]:
        """What he sees in a channel, oldest first, ephemeral messages included."""
        answer = self._do("messages", channel=channel)
        return [read_message(answer["channel"], each) for each in answer["messages"]]

    def direct_messages(self) -> list[Message]:
        """What he sees in his direct message with the app, oldest first."""
        return self.messages(self.direct_message)

    def ephemerals(self, channel: str) -> list[Message]:
        """The messages in a channel that only he sees."""
        return [message for message in self.messages(channel) if message.ephemeral]

    def reload(self) -> None:
        """Loads his client afresh: messages for his eyes only are gone."""
        self._do("reload")

    def click(
        self, on: Message | View, action_id: str, value: str | None = None, *, block_id: str | None = None
    ) -> Outcome:
        """Presses a button, and its confirmation; `value` or `block_id` tell buttons of one action id apart."""
        return self.choose(on, action_id, value, block_id=block_id)

    def choose(
        self,
        on: Message | View,
        action_id: str,
        value: Any,
        *,
        block_id: str | None = None,
        values: Values | None = None,
    ) -> Outcome:
        """Chooses on a message or in a modal: an option's value, several in a list, a time in seconds.

        `values` is what stands in the other fields, as for `submit`.
        """
        answer = self._do("act", **_where(on), action_id=action_id, value=value, block_id=block_id, values=values)
        return Outcome(answer.get("error"), answer.get("text", ""))

    def view(self) -> View | None:
        """The modal on top, or None."""
        stack = self.views()
        return stack[-1] if stack else None

    def views(self) -> list[View]:
        """All modals he has open, the top one last."""
        return [read_view(each) for each in self._do("view")["views"]]

    def suggest(
        self, block_id: str, action_id: str, text: str = "", *, on: Message | None = None, values: Values | None = None
    ) -> list[dict[str, Any]]:
        """Types into an external select of the modal on top, or of a message; the options offered, groups flattened."""
        where = _where(on or self._top())
        answer = self._do("suggest", **where, block_id=block_id, action_id=action_id, value=text, values=values)
        if "error" in answer:
            raise Trouble(answer["error"], answer["text"])
        return [option for group in answer["groups"] for option in group["options"]]

    def submit(self, values: Values | None = None) -> dict[str, str] | None:
        """Fills in and submits the modal on top: `{block_id: value or {action_id: value}}`.

        None when the app took it, else the errors it put beside the fields; `Trouble` when it gave no good answer.
        """
        answer = self._do("submit", view=self._top().id, values=values)
        if "error" in answer:
            raise Trouble(answer["error"], answer["text"])
        return answer.get("errors")

    def close_view(self, *, everything: bool = False) -> None:
        """Presses Cancel on the modal on top, or with `everything` the cross, which closes the whole stack."""
        self._do("close", view=self._top().id, everything=everything)

    def _top(self) -> View:
        view = self.view()
        if view is None:
            raise SandboxError(f"{self.id} has no modal open")
        return view

    def _do(self, door: str, **request: Any) -> dict[str, Any]:
        return self.workspace.ask(door, **{"as": self.id}, **request)


def _where(on: Message | View) -> dict[str, str]:
    return {"view": on.id} if isinstance(on, View) else {"channel": on.channel, "ts": on.ts}


def _home(answer: dict[str, Any]) -> View | None:
    return read_view(answer["view"]) if answer["view"] else None
