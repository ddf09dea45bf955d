"""Any system with an HTTPS endpoint: what is asked of it for each verb, and what its answer means."""

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
from workers.providers.exchange import schema
from workers.providers.webhook import errors
from workers.providers.webhook.plan import plan
from workers.providers.webhook.settings import CAPABILITIES, Role, WebhookSettings
from workers.providers.webhook.words import plain

_LIVES_ON = "The endpoint does not end open sessions: one that was open may go on."
A = TypeVar("A", bound=schema.Strict)


class Webhook(BaseProvider[WebhookSettings, Role]):
    """The provider; docs/providers/webhook.md is what an endpoint has to do."""

    name: ClassVar[str] = "webhook"
    Settings: ClassVar[type[BaseModel]] = WebhookSettings
    Role: ClassVar[type[BaseModel]] = Role
    capabilities: ClassVar[Capabilities] = CAPABILITIES
    limits: ClassVar[CallLimits] = CallLimits(concurrency=4, per_second=10)

    def __init__(self, settings: BaseModel) -> None:
        from workers.providers.webhook.endpoint import Endpoint  # noqa: PLC0415  (HTTP and TLS; declarations are read without them)

        super().__init__(settings)
        self._endpoint = Endpoint(self.settings)

    @classmethod
    def target_key(cls, settings: WebhookSettings) -> str:
        """Which endpoint, and by which key: by where the key is, never by what it is."""
        key = settings.key
        return f"{settings.url} by {f'env:{key.env}' if key.file is None else f'file:{key.file}'}"

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        from workers.providers.webhook.check import check  # noqa: PLC0415  (as above)

        given = {title: tuple(role.grants) for title, role in self.roles_of(roles).items()}
        return check(self._endpoint, self.settings, given, deadline)

    def plan(self, spec: GrantSpec) -> Plan:
        return plan(self.settings, _grant(spec))

    def rights(self, spec: GrantSpec) -> Rights:
        """A grant is its own; anything beside what the policy says was added by hand."""
        return Rights(place=self.target_key(self.settings), roles=frozenset(map(plain, _grant(spec).grants)))

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return self._granted("grant", spec, None, deadline)

    def extend(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        self._must_be_able("extend", "The endpoint has no end of its own that could be moved.")
        return self._granted("extend", spec, receipt, deadline)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        said = self._ask("observe", schema.Observed, spec, receipt, deadline)
        return Observation(
            present=said.present,
            sessions=said.sessions,
            only_sessions=said.only_sessions,
            expires_at=said.expires_at if "expire" in self.settings.can else None,
            extra_privileges=frozenset(map(plain, said.extra_privileges)),
        )

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        said = self._ask("revoke", schema.Removed, spec, receipt, deadline)
        residual, ends_sessions = tuple(map(plain, said.residual)), "end_sessions" in self.settings.can
        return Removal(
            state=said.state,
            sessions_ended=(said.sessions_ended or 0) if ends_sessions else None,
            residual=residual if residual or ends_sessions or said.state == "absent" else (_LIVES_ON,),
            lingering=said.lingering,
            look_again=_pause(said.look_again, said.state),
        )

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        self._must_be_able("reveal", "This access needs no new secret: it is used with the person's own account there.")
        said = self._ask("reveal", schema.Revealed, spec, receipt, deadline)
        fields = tuple((plain(line.label), SecretStr(line.value)) for line in said.fields)
        return Secret(fields=fields, note=plain(said.note), made=said.made)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        self._must_be_able("list", "The endpoint cannot list what it granted.")
        said = self._endpoint.ask(schema.Question(verb="list"), schema.Listed, deadline)
        return [
            Managed(name=plain(one.name), grant_id=one.grant_id, roles=frozenset(map(plain, one.grants)))
            for one in said.managed
        ]

    def list_holders(self, deadline: Deadline) -> list[Holder]:
        self._must_be_able("list_holders", "The endpoint cannot list who holds what.")
        said = self._endpoint.ask(schema.Question(verb="list_holders"), schema.Held, deadline)
        place = self.target_key(self.settings)
        return [
            Holder(
                principal=one.principal,
                role=plain(one.grants),
                ours=one.ours,
                place=place,
                extra_privileges=plain(one.extra_privileges),
                member_id=one.member_id,
                via=one.via,
            )
            for one in said.holders
        ]

    def _must_be_able(self, ability: str, otherwise: str) -> None:
        if ability not in self.settings.can:
            raise Unsupported(otherwise)

    def _granted(self, verb: schema.Verb, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Outcome:
        said = self._ask(verb, schema.Granted, spec, receipt, deadline)
        expires = "expire" in self.settings.can
        if said.state == "active" and expires and said.expires_at is None:
            raise errors.unreadable("expires_at is missing, which says when the endpoint itself ends the access")
        kept = Receipt(
            names={"name": _grant(spec).name},
            native_expiry=said.expires_at if expires else None,
            details={"answer": said.details},
        )
        return Outcome(state=said.state, receipt=kept, look_again=_pause(said.look_again, said.state))

    def _ask(self, verb: schema.Verb, kind: type[A], spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> A:
        kept = receipt.details.get("answer") if receipt is not None else None
        grant = _grant(spec, ends=verb in ("observe", "revoke"))
        question = schema.Question(verb=verb, grant=grant, details=kept if isinstance(kept, dict) else {})
        return self._endpoint.ask(question, kind, deadline)


def _pause(seconds: float | None, state: str) -> timedelta | None:
    return timedelta(seconds=1.0 if seconds is None else seconds) if state == "pending" else None


def _grant(spec: GrantSpec, *, ends: bool = False) -> schema.Grant:
    """`ends`: whatever another version of ours took for a role. Raises BadConfig, which quotes nothing."""
    try:
        grants = _as_opened(spec) if ends else Role.model_validate(spec.definition).grants
        return schema.Grant(
            id=spec.grant_id,
            name=f"cs_{spec.grant_id}",
            resource=spec.resource,
            role=spec.role,
            principal=spec.principal,
            grants=tuple(grants),
            expires_at=spec.expires_at,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadConfig(f"This role cannot be used by the provider webhook: {where}: {first['msg']}.") from None


def _as_opened(spec: GrantSpec) -> list[str]:
    grants = spec.definition.get("grants")
    return [one for one in grants if isinstance(one, str)] if isinstance(grants, list) else []
