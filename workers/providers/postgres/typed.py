"""Statements that people are to type: names and values in them are quoted, however a thing is called."""

from workers.providers.postgres.statements import Statement


def typed(*statements: Statement) -> str:
    """As one line to paste into psql."""
    from workers.providers.postgres.session import render  # noqa: PLC0415  (the driver)

    return " ".join(f"{text};" for text in render(statements))
