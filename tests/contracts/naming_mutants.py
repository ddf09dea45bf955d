"""Providers that name their target wrongly: each breaks C41 in its own way."""

import secrets

from workers.providers.postgres import Postgres, Settings


class NamesTheDatabaseToo(Postgres):
    @classmethod
    def target_key(cls, settings: Settings) -> str:
        return f"{settings.dsn.place} {settings.database}"


class NamesAllAlike(Postgres):
    @classmethod
    def target_key(cls, settings: Settings) -> str:
        return "the database server"


class NamesByTheSecret(Postgres):
    @classmethod
    def target_key(cls, settings: Settings) -> str:
        return settings.dsn.read().get_secret_value()


class NamesByChance(Postgres):
    @classmethod
    def target_key(cls, settings: Settings) -> str:
        return secrets.token_hex(4)


NAMING_MUTANTS: list[tuple[str, type[Postgres]]] = [
    ("C41", NamesTheDatabaseToo),
    ("C41", NamesAllAlike),
    ("C41", NamesByTheSecret),
    ("C41", NamesByChance),
]
