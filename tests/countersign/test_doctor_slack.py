"""The doctor looks at Slack: tokens, scopes, channels, clock."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from countersign.doctor.report import Family, as_text
from sandbox.cast import Cast, Channel, Enterprise
from sandbox.server import running
from tests.countersign.clinic import Clinic, the, unwell

Open = Callable[[Cast], Clinic]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A workspace with this cast, with the demo's policy."""
    with ExitStack() as stack:

        def open_with(cast: Cast) -> Clinic:
            sandbox = stack.enter_context(running(cast))
            return Clinic.make(
                tmp_path, demo_policy(acme()), COUNTERSIGN_SANDBOX="1", SLACK_API_URL=sandbox.api_url,
                SLACK_BOT_TOKEN=sandbox.bot_token, SLACK_APP_TOKEN=sandbox.app_token,
            )  # fmt: skip

        yield open_with


@pytest.fixture
def clinic(opened: Open) -> Clinic:
    return opened(acme())


def with_scopes(*, more: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> Cast:
    cast = acme()
    scopes = tuple(scope for scope in cast.app.scopes if scope not in without)
    return replace(cast, app=replace(cast.app, scopes=scopes + more))


def with_channel(identifier: str, change: Callable[[Channel], Channel]) -> Cast:
    cast = acme()
    return replace(cast, channels=tuple(change(one) if one.id == identifier else one for one in cast.channels))


def test_a_workspace_as_it_should_be_is_well(clinic: Clinic) -> None:
    findings = clinic.look("Slack")

    assert unwell(findings) == []
    assert [one.subject for one in findings] == [
        "bot token", "scopes", "app token", "channel C0PAYAPPR", "channel C0SEC", "clock"
    ]  # fmt: skip


@pytest.mark.parametrize("variable", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
@pytest.mark.parametrize("value", ["", "xoxb-canary-wrong"])
def test_a_wrong_or_missing_token_is_found_and_not_shown(clinic: Clinic, variable: str, value: str) -> None:
    clinic.environment[variable] = value

    findings = clinic.look("Slack")

    found = the(findings, "bot token" if variable == "SLACK_BOT_TOKEN" else "app token")
    assert found.level == "error"
    assert variable in found.sentence
    assert variable in found.cure
    assert not any("canary" in finding.sentence + finding.cure for finding in findings)


def test_tokens_in_each_others_place_are_found(clinic: Clinic) -> None:
    bot, app = clinic.environment["SLACK_BOT_TOKEN"], clinic.environment["SLACK_APP_TOKEN"]
    clinic.environment |= {"SLACK_BOT_TOKEN": app, "SLACK_APP_TOKEN": bot}

    assert unwell(clinic.look("Slack")) == [("error", "bot token"), ("error", "app token")]


def test_a_missing_scope_is_found(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    clinic = opened(with_scopes(without=("users:read",)))

    findings = clinic.look("Slack")

    assert unwell(findings) == [("error", "scopes")]
    assert the(findings, "scopes").sentence == "The bot lacks users:read."
    guide = (Path(__file__).parents[2] / "docs" / "set-up.md").read_text(encoding="utf-8")
    lines = as_text([Family("Slack", [the(findings, "scopes")])]).partition("\n\n")[0]
    assert lines in guide, "the guide shows just that"


def test_a_scope_too_many_is_found(opened: Open) -> None:
    findings = opened(with_scopes(more=("files:read", "channels:manage"))).look("Slack")

    assert unwell(findings) == [("warning", "scopes")]
    assert the(findings, "scopes").sentence == "The bot holds more than it needs: channels:manage, files:read."


def test_a_channel_that_the_bot_cannot_look_at_for_want_of_a_scope_says_so(opened: Open) -> None:
    findings = opened(with_scopes(without=("groups:read",))).look("Slack")

    assert unwell(findings) == [("error", "scopes"), ("error", "channel C0PAYAPPR"), ("error", "channel C0SEC")]
    assert "a scope is missing" in the(findings, "channel C0SEC").sentence


@pytest.mark.parametrize("private", [True, False])
def test_a_channel_without_the_bot_is_found(opened: Open, private: bool) -> None:
    clinic = opened(with_channel("C0SEC", lambda one: replace(one, members=("U0SAM",), private=private)))

    findings = clinic.look("Slack")

    assert unwell(findings) == [("error", "channel C0SEC")]
    assert "Invite the bot" in the(findings, "channel C0SEC").cure


def test_a_channel_shared_with_another_company_is_found(opened: Open) -> None:
    findings = opened(with_channel("C0PAYAPPR", lambda one: replace(one, ext_shared=True))).look("Slack")

    assert unwell(findings) == [("error", "channel C0PAYAPPR")]
    assert "another company" in the(findings, "channel C0PAYAPPR").sentence


def test_an_archived_channel_is_found(opened: Open) -> None:
    findings = opened(with_channel("C0SEC", lambda one: replace(one, archived=True))).look("Slack")

    assert the(findings, "channel C0SEC").sentence == "It is archived."


def test_the_token_of_another_workspace_is_found(opened: Open) -> None:
    findings = opened(replace(acme(), team_id="T0OTHER")).look("Slack")

    assert unwell(findings) == [("error", "workspace")]
    assert "T0ACME" in the(findings, "workspace").sentence
    assert "T0OTHER" in the(findings, "workspace").sentence


def test_an_installation_for_a_whole_organisation_is_found(opened: Open) -> None:
    findings = opened(replace(acme(), enterprise=Enterprise(org_install=True))).look("Slack")

    assert ("error", "workspace") in unwell(findings)
    assert "whole Enterprise Grid organisation" in the(findings, "workspace").sentence


def test_without_a_policy_the_rest_of_slack_is_looked_at_all_the_same(clinic: Clinic) -> None:
    clinic.policy.write_text("version: 7\n", encoding="utf-8")

    findings = clinic.look("Slack")

    assert unwell(findings) == [("error", "channels")]
    assert the(findings, "scopes").level == "ok"


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (8, "warning"), (-8, "warning"), (45, "error")])
def test_a_clock_that_differs_from_slacks_is_found(clinic: Clinic, ahead: float, level: str) -> None:
    clinic.set_clock_ahead(ahead)

    found = the(clinic.look("Slack"), "clock")

    assert found.level == level
    assert ("NTP" in found.cure) == (level != "ok")


def test_a_slack_that_cannot_be_reached_is_one_finding(clinic: Clinic) -> None:
    clinic.environment["SLACK_API_URL"] = "http://127.0.0.1:9/api/"

    assert unwell(clinic.look("Slack")) == [("error", "reachable")]


def test_http_mode_needs_no_app_token(clinic: Clinic) -> None:
    del clinic.environment["SLACK_APP_TOKEN"]
    clinic.environment["SLACK_SIGNING_SECRET"] = "8f742231b10e8888abcd99yyyzzz85a5"

    findings = clinic.look("Slack")

    assert unwell(findings) == []
    assert the(findings, "signing secret").level == "ok"


def test_one_way_in_at_a_time(clinic: Clinic) -> None:
    clinic.environment["SLACK_SIGNING_SECRET"] = "8f742231b10e8888abcd99yyyzzz85a5"

    findings = clinic.look("Slack")

    assert unwell(findings) == [("error", "app token")]
    assert "both set" in the(findings, "app token").sentence
