"""The promises that can be looked at on a target in use, where nothing may be broken and nobody may be disturbed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from access.errors import Permanent, ProviderError, Unsupported
from access.ports import Deadline, GrantSpec, Isolation, Receipt, Secret
from countersign.conformance.live import Broken, NotLookedAt, Promise, Run, deadline, expect, wait_until
from countersign.conformance.person import Refused

_SOON = timedelta(seconds=3)
_HOSTILE = ("'; DROP TABLE x; --", '"; SELECT $(id); --', "../../etc/passwd", "-rf\n%s{0}", "ж" * 70)
_WEAK = 22


def opens_and_ends(run: Run) -> None:
    spec = run.spec()
    expect(not run.observe(spec).present, "the access is there before the grant")
    receipt = run.grant(spec).receipt
    expect(run.observe(spec, receipt).present, "after the grant the target does not have the access")
    secret = run.reveal(spec)
    expect(run.gets_in(secret) is not False, "after the grant the person does not get in")
    expect(run.revoke(spec, receipt).state == "removed", "the revoke says that nothing was there")
    run.nothing_is_left(spec, receipt, secret)


def twice_is_once(run: Run) -> None:
    spec = run.spec()
    first = run.grant(spec)
    secret = run.reveal(spec)
    second = run.grant(spec, run.another)
    expect(second.receipt == first.receipt, "the second grant has another receipt")
    expect(run.gets_in(secret) is not False, "the second grant locked the person out")
    _listed_once(run, spec)
    run.revoke(spec, first.receipt)
    run.nothing_is_left(spec, first.receipt, secret)


def absent_is_success(run: Run) -> None:
    spec, never_granted = run.spec(), run.spec()
    receipt = run.grant(spec).receipt
    run.revoke(spec, receipt)
    for absent, known in ((spec, receipt), (spec, None), (never_granted, None)):
        try:
            removal = run.revoke(absent, known)
        except ProviderError as error:
            raise Broken(f"Revoking what is absent fails: {error.sentence}") from None
        expect(removal.state == "absent", "revoking what is absent claims to have removed it")


def no_receipt_is_needed(run: Run) -> None:
    spec = run.spec()
    receipt = run.grant(spec).receipt
    secret = run.reveal(spec)
    expect(run.revoke(spec, None, run.another).state == "removed", "without a receipt the revoke finds nothing")
    run.nothing_is_left(spec, receipt, secret)


def each_ends_its_own(run: Run) -> None:
    if run.able.isolation is not Isolation.PER_GRANT:
        raise NotLookedAt("Grants share what they give here, and only Countersign itself knows which are open")
    ending, staying = run.spec(), run.spec()
    for spec in (ending, staying):
        run.grant(spec)
    secret = run.reveal(staying)
    run.revoke(ending, None)
    expect(run.observe(staying).present, "the end of one grant took away another")
    expect(run.gets_in(secret) is not False, "after the end of another grant the person does not get in")
    run.revoke(staying, None)
    run.nothing_is_left(staying, None, secret)


def sessions_end(run: Run) -> None:
    spec = run.spec()
    receipt = run.grant(spec).receipt
    if not run.able.ends_sessions:
        removal = run.revoke(spec, receipt)
        expect(removal.sessions_ended is None, "it counts sessions that it says it cannot end")
        expect(bool(removal.residual), "sessions may live on, and the revoke does not say so")
        return
    try:
        session = run.session(run.reveal(spec))
    except Refused:
        raise Broken("After the grant the person does not get in") from None
    if session is None:
        raise NotLookedAt("Nothing here knows how the person opens a session on this target")
    expect(session.is_alive(), "the session is not alive before the revoke")
    removal = run.revoke(spec, receipt)
    expect(not session.is_alive(), "an open session lives on after the revoke")
    expect(removal.sessions_ended == 1, "the session that was ended is not counted")


def the_target_ends_it_alone(run: Run) -> None:
    grain = run.able.native_expiry
    if grain is None:
        raise NotLookedAt("The target has no end of its own")
    if not run.able.reveals:
        raise NotLookedAt("Nothing here knows how the person gets in on this target")
    spec = run.spec(lasts=_SOON)
    run.grant(spec)
    secret = run.reveal(spec)
    wait_until(spec.expires_at + grain, Deadline.after((_SOON + grain).total_seconds() + 5))
    expect(run.gets_in(secret) is not True, "nobody revoked it, and the person gets in after the end")


def its_own_end_is_right(run: Run) -> None:
    grain = run.able.native_expiry
    if grain is None:
        raise NotLookedAt("The target has no end of its own")
    spec = run.spec()
    receipt = run.grant(spec).receipt
    _ends_in_time(run, spec, receipt, grain)


def its_own_end_moves(run: Run) -> None:
    grain = run.able.native_expiry
    if not run.able.extend or grain is None:
        raise NotLookedAt("It cannot move the end of an access here")
    spec = run.spec()
    receipt = run.grant(spec).receipt
    secret = run.reveal(spec)
    moved = replace(spec, expires_at=spec.expires_at + timedelta(minutes=1))
    receipt = run.another.extend(moved, receipt, deadline()).receipt
    _ends_in_time(run, moved, receipt, grain)
    expect(run.gets_in(secret) is not False, "moving the end locked the person out")
    run.revoke(spec, receipt)
    try:
        run.provider.extend(moved, receipt, deadline())
    except ProviderError:
        run.nothing_is_left(spec, receipt, secret)
        return
    raise Broken("It claims to have moved the end of what is gone")


def it_lists_what_is_ours(run: Run) -> None:
    if not run.able.list_managed:
        try:
            run.provider.list_managed(deadline())
        except Unsupported:
            raise NotLookedAt("It cannot list what is ours here") from None
        raise Broken("It says that it cannot list what is ours, and lists it")
    spec = run.spec()
    run.grant(spec)
    _listed_once(run, spec)
    run.revoke(spec, None)
    expect(not run.listed(spec), "after the revoke what was made is still listed")


def hostile_words_are_harmless(run: Run) -> None:
    """In every field that is no word of the policy: the role and the settings are the policy's own."""
    for words in _HOSTILE:
        for fields in (("principal",), ("resource", "role")):
            _hostile(run, words, fields)


def _hostile(run: Run, words: str, fields: Sequence[str]) -> None:
    where = f"with {words[:20]!r} as the {' and the '.join(fields)}"
    try:
        spec = run.spec(words=dict.fromkeys(fields, words))
        run.grant(spec)
    except Permanent:
        return
    expect(run.observe(spec).present, f"{where} something is granted that the target does not have")
    run.revoke(spec, None)
    expect(not run.observe(spec).present, f"{where} what was granted does not end")


def the_secret_is_fresh(run: Run) -> None:
    if not run.able.reveals:
        raise NotLookedAt("It makes no secret here")
    spec = run.spec()
    outcome = run.grant(spec)
    first, second = run.reveal(spec), run.reveal(spec)
    assert first is not None
    assert second is not None
    expect(run.gets_in(first) is not True, "the first secret works after the second look")
    expect(run.gets_in(second) is not False, "the second secret does not work")
    changed = _fresh(first, second)
    expect(bool(changed), "two looks show the same secret")
    expect(any(len(word) >= _WEAK for word in changed), "the secret is weak")
    places = {"receipt": outcome.receipt.model_dump_json(), "plan": str(run.provider.plan(spec)), "text": repr(second)}
    shown = [place for place, content in places.items() if any(word in content for word in changed)]
    expect(not shown, f"the secret is in the {' and the '.join(shown)}")


def _fresh(first: Secret, second: Secret) -> list[str]:
    """The values that are others at the second look."""
    before = {value.get_secret_value() for _, value in first.fields}
    return [value.get_secret_value() for _, value in second.fields if value.get_secret_value() not in before]


def a_plan_is_pure(run: Run) -> None:
    spec = run.spec()
    plans = [run.provider.plan(spec), run.another.plan(spec)]
    expect(plans[0] == plans[1], "two plans of the same grant differ")
    expect(not run.observe(spec).present, "a plan opened the access")
    receipt = run.grant(spec).receipt
    said = ("\n".join(plans[0].grant), "\n".join(plans[0].revoke))
    expect(all(name in one for name in receipt.names.values() for one in said), "the plan does not name what is made")


def a_stored_receipt_revokes(run: Run) -> None:
    spec = run.spec()
    receipt = run.grant(spec).receipt
    stored = Receipt.model_validate_json(receipt.model_dump_json())
    expect(stored == receipt, "the receipt changes on its way through JSON")
    secret = run.reveal(spec)
    run.revoke(spec, stored, run.another)
    run.nothing_is_left(spec, stored, secret)


def _ends_in_time(run: Run, spec: GrantSpec, receipt: Receipt, grain: timedelta) -> None:
    seen = run.observe(spec, receipt).expires_at
    expect(seen is not None and seen == receipt.native_expiry, "receipt and target say another end")
    assert seen is not None
    expect(seen >= spec.expires_at, "the target ends it early")
    expect(
        seen < spec.expires_at + max(grain, timedelta(microseconds=1)),
        "the target ends it later than rounding explains",
    )


def _listed_once(run: Run, spec: GrantSpec) -> None:
    if not run.able.list_managed:
        run.not_seen("what is on the target under this name")
        return
    listed = run.listed(spec)
    expect(len(listed) == 1, f"what is open is listed {len(listed)} × and not once")


LIVE: dict[str, Promise] = {
    "C01": opens_and_ends,
    "C02": twice_is_once,
    "C03": absent_is_success,
    "C04": no_receipt_is_needed,
    "C09": each_ends_its_own,
    "C11": sessions_end,
    "C13": the_target_ends_it_alone,
    "C14": its_own_end_is_right,
    "C15": its_own_end_moves,
    "C18": it_lists_what_is_ours,
    "C20": hostile_words_are_harmless,
    "C23": the_secret_is_fresh,
    "C24": a_plan_is_pure,
    "C27": a_stored_receipt_revokes,
}
"""By the number of the promise; of all others it is said that they were not looked at."""
