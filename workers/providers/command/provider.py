"""Any system with a command line: a program that is asked in JSON and answers in JSON."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from access.errors import BadConfig, Unsupported
from access.ports import (
    CallLimits,
    Capabilities,
    Deadline,
    Finding,
    GrantSpec,
    Holder,
    Isolation,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
)
from access.provider import BaseProvider
from workers.providers.command.asking import Asking
from workers.providers.command.check import check
from workers.providers.command.errors import unknown
from workers.providers.command.printed import as_typed, by_hand
from workers.providers.command.settings import CommandCapabilities, Role
from workers.providers.command.settings import Settings as CommandSettings
from workers.providers.exchange import schema

A = TypeVar("A", bound=schema.Strict)


class Command(BaseProvider[CommandSettings, Role]):
    """The provider: puts what the core asks into the program's words, and its answers into the core's."""

    name: ClassVar[str] = "command"
    Settings: ClassVar[type[BaseModel]] = CommandSettings
    Role: ClassVar[type[BaseModel]] = Role
    limits: ClassVar[CallLimits] = CallLimits(concurrency=8)
    capabilities: ClassVar[Capabilities] = CommandCapabilities(
        isolation=Isolation.PER_GRANT,
        # No target has this mode: it says that some can list, so that all are asked.
        modes={"lists": Capabilities(isolation=Isolation.PER_GRANT, list_managed=True, list_holders=True)},
    )

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._asking = Asking(self.settings)

    @classmethod
    def target_key(cls, settings: CommandSettings) -> str:
        """Which target and account: settings with the same one share its limits, and what grants share there."""
        return " ".join([settings.user or "", settings.program, *settings.arguments]).strip()

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        given = {title: tuple(role.grants) for title, role in self.roles_of(roles).items()}
        return check(self.settings, self._asking, given, deadline)

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=self.target_key(self.settings), roles=frozenset(_grant(spec, ends=True).grants))

    def plan(self, spec: GrantSpec) -> Plan:
        grant, account = _grant(spec), self.settings.user
        return Plan(
            grant=(as_typed(self.settings, "grant", grant),),
            revoke=(as_typed(self.settings, "revoke", grant), *by_hand(self.settings, grant)),
            where=self.settings.where + (f", as {account}" if account else ""),
        )

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return self._granted("grant", spec, None, deadline)

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        if "extend" not in self.settings.can:
            raise Unsupported("The program of this target cannot move the end of what is open.")
        return self._granted("extend", spec, receipt, deadline)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        said = self._ask("observe", schema.Observed, spec, receipt, deadline)
        return Observation(
            present=said.present, sessions=said.sessions, only_sessions=said.only_sessions, expires_at=said.expires_at,
            standing=said.standing & frozenset(_grant(spec, ends=True).grants), extra_privileges=said.extra_privileges,
        )  # fmt: skip

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        said = self._ask("revoke", schema.Removed, spec, receipt, deadline)
        ends = "end_sessions" in self.settings.can
        return Removal(
            state=said.state, sessions_ended=(said.sessions_ended or 0) if ends else None, residual=said.residual,
            lingering=said.lingering, look_again=_pause(said.look_again, said.state),
        )  # fmt: skip

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        if "reveal" not in self.settings.can:
            raise Unsupported("There is nothing to show here: the access is yours as you are.")
        said = self._ask("reveal", schema.Revealed, spec, receipt, deadline)
        fields = tuple((line.label, SecretStr(line.value)) for line in said.fields)
        return Secret(fields=fields, note=said.note, made=said.made)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        if "list" not in self.settings.can:
            raise Unsupported("The program of this target cannot list what it made.")
        said = self._asking.ask(schema.Question(verb="list"), schema.Listed, deadline)
        return [Managed(name=one.name, grant_id=one.grant_id, roles=one.grants) for one in said.managed]

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        if "list_holders" not in self.settings.can:
            raise Unsupported("The program of this target cannot list who holds what.")
        said = self._asking.ask(schema.Question(verb="list_holders"), schema.Held, deadline)
        place = self.target_key(self.settings)
        return [
            Holder(
                principal=one.principal, role=one.grants, ours=one.ours, place=place,
                extra_privileges=one.extra_privileges, member_id=one.member_id, via=one.via,
            )
            for one in said.holders
        ]  # fmt: skip

    def _granted(self, verb: schema.Verb, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        said = self._ask(verb, schema.Granted, spec, receipt, deadline)
        if said.state == "active" and "expire" in self.settings.can and said.expires_at is None:
            raise unknown("The program of this target did not say when the access ends by itself", changes=True)
        kept = Receipt(
            names={"name": _grant(spec).name}, native_expiry=said.expires_at,
            details={"program": self._asking.digest(), "answer": said.details},
        )  # fmt: skip
        return Outcome(state=said.state, receipt=kept, look_again=_pause(said.look_again, said.state))

    def _ask(self, verb: schema.Verb, kind: type[A], spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> A:
        kept = receipt.details if receipt else {}
        answer = kept.get("answer")
        grant = _grant(spec, ends=verb in ("observe", "revoke"))
        question = schema.Question(verb=verb, grant=grant, details=answer if isinstance(answer, dict) else {})
        return self._asking.ask(question, kind, deadline, opened_by=str(kept.get("program") or ""))


def _pause(seconds: float | None, state: str) -> timedelta | None:
    if state != "pending":
        return None
    return timedelta(seconds=1.0 if seconds is None else seconds)


def _grant(spec: GrantSpec, *, ends: bool = False) -> schema.Grant:
    """`ends`: whatever another version of ours took for a role. Raises BadConfig, which quotes nothing."""
    try:
        grants = _as_opened(spec) if ends else Role.model_validate(dict(spec.definition)).grants
        return schema.Grant(
            id=spec.grant_id, name=f"cs_{spec.grant_id}", resource=spec.resource, role=spec.role,
            principal=spec.principal, grants=tuple(grants), kept=tuple(sorted(spec.kept & set(grants))),
            expires_at=spec.expires_at,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadConfig(f"This role cannot be used by the provider command: {where}: {first['msg']}.") from None


def _as_opened(spec: GrantSpec) -> list[str]:
    grants = spec.definition.get("grants")
    return [one for one in grants if isinstance(one, str)] if isinstance(grants, list | tuple) else []
