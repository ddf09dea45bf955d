"""PostgreSQL as a target: temporary logins, or roles for people's own logins."""

from workers.providers.postgres.provider import Postgres, Role
from workers.providers.postgres.provider import PostgresSettings as Settings

__all__ = ["Postgres", "Role", "Settings"]
