"""Any system with an HTTPS endpoint: what is asked of it for each verb, and what its answer means."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from access.errors import BadConfig, TargetNotFound, Transient, Unsupported
from access.ports import (
    Capabilities,
    Cleanup,
    Deadline,
    Ended,
    Finding,
    GrantSpec,
    Holder,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
)
from workers.providers.webhook import errors
from workers.providers.webhook.plan import plan
from workers.providers.webhook.schema import Action, Answer, plain
from workers.providers.webhook.settings import CAPABILITIES, Role, Scope, WebhookSettings

_LIVES_ON = "The endpoint does not end open sessions: one that was open may go on."
_LARGEST_RECEIPT = 4096


class Webhook:
    """The provider; docs/providers/webhook.md is what an endpoint has to do."""

    name: ClassVar[str] = "webhook"
    Settings: ClassVar[type[BaseModel]] = WebhookSettings
    Role: ClassVar[type[BaseModel]] = Role
    Scope: ClassVar[type[BaseModel]] = Scope
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, settings: BaseModel) -> None:
        from workers.providers.webhook.endpoint import Endpoint  # noqa: PLC0415  (HTTP and TLS; declarations are read without them)

        assert isinstance(settings, WebhookSettings)
        self._settings = settings
        self._endpoint = Endpoint(settings)

    @classmethod
    def target_key(cls, settings: WebhookSettings) -> str:
        """Which endpoint, and by which key: by where the key is, never by what it is."""
        key = settings.key
        return f"{settings.url} by {f'env:{key.env}' if key.file is None else f'file:{key.file}'}"

    def check(self, roles: Mapping[str, BaseModel]) -> list[Finding]:
        from workers.providers.webhook.check import check  # noqa: PLC0415  (as above)

        return check(self._endpoint, self._settings)

    def plan(self, spec: GrantSpec) -> Plan:
        return plan(self._settings, spec)

    def rights(self, spec: GrantSpec) -> Rights:
        """A grant is its own; what it gives is called as in the policy, and anything beside that was added by hand."""
        return Rights(place=self.target_key(self._settings), roles=frozenset({plain(spec.role)}))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return self._opened("grant", spec, None, deadline)

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        self._must_be_able("expire", "The endpoint has no end of its own that could be moved.")
        return self._opened("extend", spec, receipt, deadline)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        answer = self._endpoint.ask("observe", deadline, spec, receipt)
        if answer.present is None:
            raise errors.unreadable("present is missing, which says whether the access is there")
        return Observation(
            present=answer.present,
            sessions=answer.sessions if "end_sessions" in self._settings.can else None,
            expires_at=answer.expires_at if "expire" in self._settings.can else None,
            beyond=frozenset(map(plain, answer.beyond)),
        )

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        answer = self._endpoint.ask("revoke", deadline, spec, receipt)
        residual = tuple(map(plain, answer.residual))
        ends_sessions = "end_sessions" in self._settings.can
        if answer.state not in ("removed", "absent", "pending"):
            raise errors.unreadable("state is none of removed, absent and pending")
        return Removal(
            state=answer.state,
            sessions_ended=(answer.sessions_ended or 0) if ends_sessions else None,
            residual=residual if residual or ends_sessions or answer.state == "absent" else (_LIVES_ON,),
            look_again=answer.look_again if answer.state == "pending" else None,
        )

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self._must_be_able("reveal", "This access needs no new secret: it is used with the person's own account there.")
        _refuse_unreadable(spec)
        answer = self._endpoint.ask("reveal", deadline, spec, receipt)
        if answer.state == "absent":
            raise TargetNotFound("The endpoint says that the access is not there.")
        if answer.state == "pending":
            raise Transient("The endpoint has no secret yet.", retry_after=answer.look_again)
        if answer.secret is None:
            raise errors.unreadable("secret is missing")
        return Secret(fields=tuple((plain(label), value) for label, value in answer.secret.fields))

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        self._must_be_able("list", "The endpoint cannot list what it granted.")
        answer = self._endpoint.ask("list", deadline)
        if answer.grants is None:
            raise errors.unreadable("grants is missing, which lists what is open")
        return [
            Managed(name=plain(one.id), grant_id=one.id, roles=frozenset(map(plain, one.roles)))
            for one in answer.grants
        ]

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        raise Unsupported("An endpoint is not asked who else has its roles.")

    def clean_up(self, ended: Sequence[Ended], deadline: Deadline) -> Mapping[str, Cleanup]:
        raise Unsupported("An endpoint tidies up by itself when it takes access away.")

    def close(self) -> None:
        """Each call has a connection of its own."""

    def _must_be_able(self, ability: str, otherwise: str) -> None:
        if ability not in self._settings.can:
            raise Unsupported(otherwise)

    def _opened(self, action: Action, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        _refuse_unreadable(spec)
        answer = self._endpoint.ask(action, deadline, spec, receipt)
        if answer.state == "absent" and action == "extend":
            raise TargetNotFound("The endpoint says that the access is not there.")
        if answer.state not in ("active", "pending"):
            raise errors.unreadable("state is neither active nor pending")
        return Outcome(
            state=answer.state,
            receipt=self._receipt(spec, answer),
            look_again=answer.look_again if answer.state == "pending" else None,
        )

    def _receipt(self, spec: GrantSpec, answer: Answer) -> Receipt:
        """What the endpoint gave comes back to it with every later call; it is bounded, for it is kept in a row."""
        if answer.receipt is not None and len(repr(answer.receipt)) > _LARGEST_RECEIPT:
            raise errors.unreadable(f"receipt is longer than {_LARGEST_RECEIPT} characters")
        return Receipt(
            names={"grant": spec.grant_id},
            native_expiry=answer.expires_at if "expire" in self._settings.can else None,
            details={} if answer.receipt is None else {"endpoint": answer.receipt},
        )


def _refuse_unreadable(spec: GrantSpec) -> None:
    """Nothing is opened of a role that is not as the policy writes them; an end asks for no role."""
    try:
        Role.model_validate(spec.definition)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadConfig(
            f"The role {spec.role} cannot be used by the provider webhook: {where}: {first['msg']}."
        ) from None
