"""Something for each test to ask for: the books of a month that nobody else asks for."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from countersign.demo.policy import SECRET
from countersign.demo.stage import Stage
from sandbox.person import Message, Workspace
from tests.waiting import wait_until

CHANNEL = "C0PAYAPPR"
MONTHS = [date(year, month, 1) for year in range(2015, 2025) for month in range(1, 13)]


LOST = "ledger/lost"
"""Nobody can be given it: the target does not know the role."""


def with_books(policy: str) -> str:
    """The demo's policy, and so many roles more that the form has to search."""
    roles = "\n".join(
        f"      books-{month:%Y-%m}: {{title: 'Read the books of {month:%B %Y}', grants: [support_read]}}"
        for month in MONTHS
    )
    entitlements = ", ".join([*(f"ledger/books-{month:%Y-%m}" for month in MONTHS), LOST])
    ledger = f"""\
  - id: ledger
    title: General ledger of the group and of all its subsidiaries
    level: low
    owner: payments-leads
    provider: postgres
    settings: {{dsn: {{env: {SECRET}}}, database: shop}}
    roles:
{roles}
      lost: {{title: Read the books that are lost, grants: [nobody_made_this_role]}}

rules:
  - id: books
    for: {{groups: [engineers], entitlements: [{entitlements}]}}
    max: 2h
    approve: {{channel: {CHANNEL}, stages: [{{any_of: [payments-leads], quorum: 1}}]}}
"""
    return policy.replace("\nrules:\n", f"\n{ledger}", 1)


@dataclass(frozen=True)
class Books:
    """The books of one month, and why Ann wants them. What is not under test, people do through the sandbox's doors."""

    stage: Stage
    people: Workspace
    month: date

    @property
    def entitlement(self) -> str:
        return f"ledger/books-{self.month:%Y-%m}"

    @property
    def title(self) -> str:
        return f"Read the books of {self.month:%B %Y}"

    @property
    def ticket(self) -> str:
        """No other reason has it."""
        return f"INC-{self.month:%Y%m}"

    @property
    def reason(self) -> str:
        """With words that a narrow screen has to break."""
        address = "https://tickets.example.com/refunds/of/the/weekend/that/are/stuck/since/this/morning"
        return f"{self.ticket}: the auditors ask for them, see {address}?ticket={self.ticket}&region=eu-central-1"

    @property
    def line(self) -> str:
        return f"{self.entitlement} 20m {self.reason}"

    def asked(self) -> Message:
        """Ann has asked; the card."""
        outcome = self.people.person("U0ANN").command(CHANNEL, "/access", self.line)
        assert outcome.ok, outcome
        return wait_until(self._cards, f"the card of {self.entitlement}")[-1]

    def opened(self) -> str:
        """Ann has asked, Lea has approved, and the access is open; the login it has at the target."""
        before = self.logins()
        assert self.people.person("U0LEA").click(self.asked(), "request.approve").ok
        wait_until(lambda: "grant.revoke" in self._cards()[-1].actions(), "the access to open")
        (login,) = self.logins() - before
        return login

    def failed(self) -> None:
        """Ann has asked for what nobody can be given, and Lea has approved."""
        assert self.people.person("U0ANN").command(CHANNEL, "/access", f"{LOST} 20m {self.ticket}, and the lost").ok
        lost = wait_until(lambda: self._cards(LOST), "the card of what is lost")[-1]
        assert self.people.person("U0LEA").click(lost, "request.approve").ok
        wait_until(lambda: "Could not be opened" in self._cards(LOST)[-1].words, "the word that it failed")

    @contextmanager
    def refused_by_the_policy(self) -> Generator[None]:
        """For a while nobody may have them."""
        file = self.stage.settings.policy_file
        before = file.read_text(encoding="utf-8")
        file.write_text(before.replace(f"{self.entitlement}, ", "", 1), encoding="utf-8")
        yield
        file.write_text(before, encoding="utf-8")

    def logins(self) -> set[str]:
        """Those at the target that Ann's access may have, for the canary opens another at any moment."""
        return set(self.stage.shop.readers())

    def _cards(self, about: str = "") -> list[Message]:
        messages = self.people.person("U0LEA").messages(CHANNEL)
        return [one for one in messages if one.blocks and self.ticket in one.words and about in one.words]
