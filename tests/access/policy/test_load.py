"""The policy file is read strictly: each mistake has its line, its sentence and its cure."""

from collections.abc import Mapping
from datetime import time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal, cast
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from access.catalog import Entitlement, Stage
from access.errors import PolicyError
from access.ids import Person, SlackUser
from access.policy import target_checks
from access.policy.checks import findings
from access.policy.document import read
from access.policy.load import check, load_policy
from access.policy.shape import PolicyShape
from access.policy.targets import targets
from access.ports import Capabilities, Isolation, Provider
from tests.access.policy.example import POLICY, PROVIDERS, Postgres, changed, policy
from tests.access.policy.mistakes import BROKEN, DSN, MISTAKES, STAGES, WORDS_TO_COME
from workers.providers.postgres import Postgres as RealPostgres

LATER = "is a word of the policy language that this version cannot enforce yet; remove it"


@pytest.mark.parametrize(("old", "new", "line", "sentence"), MISTAKES, ids=[f"{m[1]}"[:50] for m in MISTAKES])
def test_a_mistake_is_named_with_its_line_and_its_cure(old: str, new: str, line: int, sentence: str) -> None:
    loaded, problems = check(changed(old, new), file="access.yml", providers=PROVIDERS)
    assert loaded is None
    assert (line, sentence) in [(problem.line, problem.sentence) for problem in problems]
    assert {problem.severity for problem in problems} == {"error"}


@pytest.mark.parametrize(("word", "old", "new", "line"), WORDS_TO_COME, ids=[word[0] for word in WORDS_TO_COME])
def test_a_word_that_cannot_be_enforced_yet_is_refused_and_never_ignored(
    word: str, old: str, new: str, line: int
) -> None:
    with pytest.raises(PolicyError) as refused:
        policy(changed(old, new))
    assert str(refused.value).splitlines()[0] == f"access.yml:{line}: `{word}` {LATER}"


@pytest.mark.parametrize(("text", "line", "sentence"), BROKEN)
def test_yaml_that_could_surprise_is_refused(text: str, line: int | None, sentence: str) -> None:
    loaded, problems = check(text, file="access.yml", providers=PROVIDERS)
    assert loaded is None
    assert (line, sentence) == (problems[0].line, problems[0].sentence)


def test_all_errors_are_told_at_once_in_the_order_of_the_file() -> None:
    text = changed(
        "    max: 30m", "    max: 30m\n    notify: []", changed("lea]}", "lae]}", changed("T0ACME", "T0ACME", POLICY))
    )
    text = changed("owner: leads", "owner: laeds", text)
    with pytest.raises(PolicyError) as refused:
        policy(text)
    assert str(refused.value).splitlines() == [
        "access.yml:13: unknown person `lae`; did you mean `lea`?",
        "access.yml:20: unknown group `laeds`; did you mean `leads`?",
        f"access.yml:50: `notify` {LATER}",
    ]
    assert refused.value.line == 13


def test_a_secret_written_into_the_file_is_not_repeated() -> None:
    _, problems = check(changed(DSN, "postgresql://bot:hunter2@db"), file="f", providers=PROVIDERS)
    assert not any("hunter2" in problem.sentence for problem in problems)


def test_two_rules_for_the_same_people_name_both_and_count_the_people() -> None:
    text = changed(
        "entitlements: [customers-db/fix-orders]", "entitlements: [customers-db/fix-orders, customers-db/read]"
    )
    _, problems = check(text, file="f", providers=PROVIDERS)
    assert [problem.sentence for problem in problems] == [
        "rules `customers-read` (line 36) and `orders-fix` both open customers-db/read to ann and 1 more; "
        "only one rule may match",
    ]


def test_two_rules_may_name_one_entitlement_for_different_people() -> None:
    text = changed("lea]}", "eve]}", changed("[payroll/read]", "[payroll/read, customers-db/read]"))
    assert len(policy(text).rules_for(Person("lea"), Entitlement("customers-db", "read"))) == 1


WORDS_THAT_YAML_1_1_CHANGES = ["on", "off", "yes", "no", "22:22", "1_000", "0o17", "2026-01-01", "1.5", "1e3", "0x1F"]


@pytest.mark.parametrize("word", WORDS_THAT_YAML_1_1_CHANGES)
def test_a_word_means_what_is_written(word: str) -> None:
    loaded = policy(changed("database: shop", f"database: {word}"))
    assert loaded.resources["customers-db"].settings["database"] == word


@pytest.mark.parametrize("at", ['"09:05"', "09:05", "9:05", "'9:05'"])
def test_a_time_of_day_needs_no_quotes(at: str) -> None:
    assert policy(changed('"09:00"', at)).digest.at == time(9, 5)


def test_what_the_file_says_is_what_the_policy_holds() -> None:
    loaded = policy()
    assert (loaded.slack_team, loaded.timezone, loaded.file) == ("T0ACME", ZoneInfo("Europe/Amsterdam"), "access.yml")
    assert loaded.sha256 == sha256(POLICY.encode()).hexdigest()
    assert loaded.levels["medium"].max == timedelta(hours=8)
    assert (loaded.levels["high"].quorum, loaded.levels["high"].reason_min) == (1, 1)
    assert loaded.groups["leads"].people == {"lea", "kim", "sam"}
    customers = loaded.resources["customers-db"]
    assert loaded.people[Person("ann")].principal(customers) == "ann.a"
    assert loaded.people[Person("lea")].principal(customers) == "lea"
    assert customers.settings == {"dsn": {"env": "CUSTOMERS_DSN"}, "database": "shop"}
    assert customers.all_settings == {"dsn": {"env": "CUSTOMERS_DSN", "file": None}, "database": "shop", "port": 5432}
    assert (customers.roles["read"].level, customers.roles["fix-orders"].level) == ("medium", "high")
    assert customers.roles["read"].definition == {"grants": ["support_read"]}
    assert customers.roles["read"].description == "Shows customers."
    first, second, _ = loaded.rules
    assert (first.max, second.max, second.stages) == (
        timedelta(hours=3), None, (Stage(any_of=("leads", "security")),),
    )  # fmt: skip
    assert (loaded.security.group, loaded.security.channel, loaded.digest.channel) == ("security", "C0SEC", "C0SEC")


def test_a_ladder_reminds_the_approvers_and_lets_the_request_lapse() -> None:
    ladder = "escalate: [{after: 15m, to: leads}, {after: 1h, to: leads}, {after: 90m, then: lapse}]"
    (*_, rule) = policy(changed(STAGES, f"{STAGES}\n    {ladder}")).rules
    assert [(one.after, one.group) for one in rule.reminders] == [
        (timedelta(minutes=15), "leads"),
        (timedelta(hours=1), "leads"),
    ]
    assert rule.lapses_after == timedelta(minutes=90)


def test_a_step_may_name_another_group_than_the_approvers_and_a_channel_for_its_people() -> None:
    ladder = "escalate: [{after: 15m, to: leads}, {after: 1h, to: security, channel: C0SEC2}]"
    loaded = policy(changed(STAGES, f"{STAGES}\n    {ladder}"))
    (*_, rule) = loaded.rules
    assert [(one.group, one.channel) for one in rule.reminders] == [("leads", None), ("security", "C0SEC2")]
    assert Person("sam") in loaded.approvers(), "so that Slack is asked about them"
    assert "C0SEC2" in loaded.card_channels()


def test_a_warning_comes_a_quarter_of_an_hour_before_the_end_unless_the_policy_says_otherwise() -> None:
    assert policy().warn_before_end == timedelta(minutes=15)
    said = policy(changed("digest: {", "limits: {warn_before_end: 5m}\ndigest: {"))
    assert said.warn_before_end == timedelta(minutes=5)


def test_people_are_found_by_their_slack_account_and_see_what_they_may_ask_for() -> None:
    loaded = policy()
    found = loaded.person_by_slack(SlackUser("U0LEA"))
    assert found
    assert found.name == "lea"
    assert loaded.person_by_slack(SlackUser("U0NOBODY")) is None
    assert [(choice.entitlement, choice.longest) for choice in loaded.requestable(found.name)] == [
        ("customers-db/fix-orders", timedelta(hours=2)),
        ("customers-db/read", timedelta(hours=3)),
        ("payroll/read", timedelta(minutes=30)),
    ]
    assert list(loaded.requestable(Person("eve"))) == []


def test_what_may_be_asked_for_is_made_once_for_all_under_the_same_rules() -> None:
    loaded = policy()
    assert loaded.requestable(Person("kim")) is loaded.requestable(Person("sam"))
    assert loaded.requestable(Person("kim")) is not loaded.requestable(Person("lea"))


ADVICE = [
    ("Changes orders.}", "Changes orders.}\n      drop: {title: Drop, grants: [all]}", 27,
     "no rule opens customers-db/drop, so it cannot be asked for"),
    (", description: Changes orders.", "", 26,
     "role `fix-orders` of customers-db has no `description`; say in one plain sentence what it allows"),
    (STAGES, "stages: [{any_of: [security]}]", 52,
     "only sam can approve what kim or lea would ask for by rule `payroll-read`; name another"),
    (STAGES, "stages: [{any_of: [security]}]", 52,
     "no one can approve what sam would ask for by rule `payroll-read`; it will be refused"),
    ("  security: {people", "  nobody: {people: []}\n  security: {people", 15, "group `nobody` has no people"),
    (STAGES, f"{STAGES}\n    escalate: [{{after: 15m, to: security}}]", 53,
     "only sam is in `security`, so the step after 15 min calls no one when sam asks by rule `payroll-read`"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "sentence"), ADVICE)
def test_a_policy_that_leaves_somebody_without_an_answer_loads_with_advice(
    old: str, new: str, line: int, sentence: str
) -> None:
    loaded, problems = check(changed(old, new), file="access.yml", providers=PROVIDERS)
    assert loaded is not None
    assert f"access.yml:{line}: warning: {sentence}" in [problem.at("access.yml") for problem in problems]


def test_roles_without_a_description_are_advice_once_a_resource() -> None:
    bare = changed(", description: Shows customers.", "", changed(", description: Changes orders.", ""))
    _, problems = check(bare, file="access.yml", providers=PROVIDERS)
    assert [problem.at("access.yml") for problem in problems] == [
        "access.yml:25: warning: roles `read` and `fix-orders` of customers-db have no `description`; "
        "say in one plain sentence what each allows"
    ]


def test_a_role_that_nobody_can_ask_for_needs_no_description() -> None:
    canary = "canary: {entitlements: [customers-db/nothing]}\ndigest: {"
    text = changed("Changes orders.}", "Changes orders.}\n      nothing: {title: Nothing, grants: [none]}")
    assert check(changed("digest: {", canary, text), file="access.yml", providers=PROVIDERS)[1] == []


def test_the_small_policy_needs_no_advice() -> None:
    assert check(POLICY, file="access.yml", providers=PROVIDERS)[1] == []


def test_the_example_of_the_repository_loads_without_advice() -> None:
    file = Path(__file__).parents[3] / "access.example.yml"
    providers = {"postgres": RealPostgres}
    loaded, problems = check(file.read_text(encoding="utf-8"), file=file.name, providers=providers)
    assert problems == []
    assert loaded is not None


def test_a_provider_that_keeps_a_number_with_a_point_is_refused_since_it_has_no_fingerprint() -> None:
    class Inexact(Postgres):
        class Role(Postgres.Role):
            share: float = 0.5

    _, problems = check(POLICY, file="f", providers={"postgres": cast("type[Provider]", Inexact)})
    assert problems[0].at("f") == "f:25: this cannot be bound to a request's fingerprint: float has no canonical form"


def test_load_gives_the_file_its_name() -> None:
    with pytest.raises(PolicyError, match=r"^/etc/countersign/access\.yml: the file is empty"):
        load_policy("", file="/etc/countersign/access.yml", providers=PROVIDERS)


class TwoModes(Postgres):
    """What it can do depends on a word that goes without saying."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT, modes={"shared": Capabilities(isolation=Isolation.SHARED)}
    )

    class Settings(Postgres.Settings):
        mode: Literal["shared", "apart"] = "shared"


def test_the_mode_of_a_provider_is_always_said_for_by_it_the_core_knows_what_it_can_do() -> None:
    providers = cast("Mapping[str, type[Provider]]", {"postgres": TwoModes})
    settings = load_policy(POLICY, file="f", providers=providers).resources["customers-db"].settings
    assert settings == {"dsn": {"env": "CUSTOMERS_DSN"}, "database": "shop", "mode": "shared"}
    assert TwoModes.capabilities.of(settings).isolation is Isolation.SHARED


@pytest.mark.parametrize(("old", "new", "line", "sentence"), MISTAKES, ids=[f"{m[1]}"[:50] for m in MISTAKES])
def test_what_is_found_wrong_points_at_words_that_are_in_the_file(old: str, new: str, line: int, sentence: str) -> None:
    """In a file with a line for each word, the line of what stands around it would be another one."""
    document = read(changed(old, new))
    try:
        shape = PolicyShape.model_validate(document.data)
    except ValidationError:
        return  # said by the shape, which knows where it is
    by_target, _ = targets(shape, PROVIDERS)
    found = [*findings(shape, document, PROVIDERS), *target_checks.findings(shape, document, by_target)]
    for path, told in found:
        at = path[:-2] if told.startswith("`ann.a` and `ann`") else path  # whose name is said by no word
        assert at in document.lines, told


def test_a_ladder_of_a_rule_whose_entitlement_is_unknown_is_read_for_its_other_mistakes() -> None:
    text = changed(STAGES, f"{STAGES}\n    escalate: [{{after: 15m, to: laeds}}]", changed("[payroll/read]", "[a/b]"))
    _, problems = check(text, file="f", providers=PROVIDERS)
    assert [problem.sentence for problem in problems] == [
        "unknown entitlement `a/b`; add the role to its resource under `resources`",
        "unknown group `laeds`; did you mean `leads`?",
    ]


def test_a_group_of_a_stage_that_wants_one_of_each_can_be_reminded() -> None:
    text = changed(STAGES, "stages: [{all_of: [leads, security]}]\n    escalate: [{after: 15m, to: security}]")
    assert [one.group for one in policy(text).rules[-1].reminders] == ["security"]


def test_where_no_provider_is_installed_that_is_said() -> None:
    text = changed("names: {postgres: ann.a}", "names: {oracle: ann.a}")
    _, problems = check(text, file="f", providers={})
    assert "unknown provider or resource `oracle`; name a resource by its id, or one of the providers none" in [
        problem.sentence for problem in problems
    ]


def test_an_unknown_group_is_told_once_where_none_could_be_added() -> None:
    text = changed(STAGES, "stages: [{all_of: [leads]}]\n    escalate: [{after: 15m, to: laeds}]")
    _, problems = check(text, file="f", providers=PROVIDERS)
    assert [problem.at("f") for problem in problems] == ["f:53: unknown group `laeds`; did you mean `leads`?"]


def test_what_is_here_twice_is_told_with_the_line_of_the_first_id() -> None:
    title_first = changed(
        "  - id: customers-db\n    title: Customer database", "  - title: Customer\n    id: customers-db"
    )
    _, problems = check(changed("- id: payroll\n", "- id: customers-db\n", title_first), file="f", providers=PROVIDERS)
    assert "f:27: `customers-db` is here twice, the first time on line 18; give it another id" in [
        problem.at("f") for problem in problems
    ]


def test_of_several_entitlements_that_two_rules_open_the_first_by_name_is_told() -> None:
    both = "entitlements: [customers-db/read, customers-db/fix-orders]"
    text = changed("entitlements: [customers-db/read]", both, changed("entitlements: [customers-db/fix-orders]", both))
    _, problems = check(changed("    max: 3h\n", "", text), file="f", providers=PROVIDERS)
    assert [problem.sentence for problem in problems] == [
        "rules `customers-read` (line 36) and `orders-fix` both open customers-db/fix-orders to ann and 1 more; "
        "only one rule may match"
    ]
