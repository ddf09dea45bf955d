"""PostgreSQL as a target: temporary logins, or roles for people's own logins."""

from workers.providers.postgres.provider import Postgres, Role, Scope, Settings

__all__ = ["Postgres", "Role", "Scope", "Settings"]
