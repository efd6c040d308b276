"""The identity of a caller from its claims, and the users that it may act for."""

from __future__ import annotations

import pytest

from resume_service.auth.identity import Identity, Role
from resume_service.errors import Forbidden, Unauthorized


def identity_of(*, trusted: bool = True, **claims):
    return Identity.from_claims({"sub": "ann"} | claims, trust_authority=trusted)


def test_subject_alone_is_a_guest_without_a_corporation():
    assert identity_of() == Identity("ann", Role.GUEST, None)


@pytest.mark.parametrize("role", list(Role))
def test_known_role_is_accepted(role):
    assert identity_of(role=str(role)).role is role


@pytest.mark.parametrize("role", ["root", "ADMIN", "", None, 1, True, [], ["admin"], {}, 1.5])
def test_unknown_role_becomes_guest(role):
    assert identity_of(role=role).role is Role.GUEST


def test_whole_number_is_accepted_as_corporation():
    assert identity_of(corporation_id=7).corporation_id == 7


@pytest.mark.parametrize("company", ["7", 7.0, True, None, [7], {}])
def test_other_corporation_values_are_ignored(company):
    assert identity_of(corporation_id=company).corporation_id is None


def test_untrusted_role_and_corporation_are_ignored():
    assert identity_of(role="service", corporation_id=7, trusted=False) == Identity("ann")


@pytest.mark.parametrize("trusted", [True, False])
def test_subject_names_an_account_only_if_names_account_is_set(trusted):
    claims = {"sub": "7", "role": "guest"}

    assert identity_of(**claims, trusted=trusted).account_id is None
    ours = Identity.from_claims(claims, trust_authority=True, names_account=True)
    assert ours.account_id == 7


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    "subject", [None, 1, True, [], {}, b"ann", "", " ", "a b", "a/b", "a\n", "\x7f", "a" * 129]
)
def test_subject_that_is_no_user_id_is_unauthorized(subject, trusted):
    with pytest.raises(Unauthorized):
        identity_of(sub=subject, trusted=trusted)


def test_missing_subject_is_unauthorized():
    with pytest.raises(Unauthorized):
        Identity.from_claims({}, trust_authority=True)


@pytest.mark.parametrize("subject", ["a", "a" * 128, "user_123", "a:b%2F", "жö漢", "auth0|1"])
def test_any_id_is_accepted_as_subject(subject):
    assert identity_of(sub=subject).user_id == subject


@pytest.mark.parametrize("role", list(Role))
def test_caller_may_act_for_itself(role):
    assert Identity("ann", role).require_access_to("ann") is None


@pytest.mark.parametrize("role", [Role.GUEST, Role.ADMIN])
@pytest.mark.parametrize("other", ["bob", "Ann", "ann ", "", "an"])
def test_only_a_service_may_act_for_another_user(role, other):
    with pytest.raises(Forbidden):
        Identity("ann", role).require_access_to(other)
    assert Identity("ann", Role.SERVICE).require_access_to(other) is None


def test_identity_is_immutable():
    with pytest.raises(AttributeError):
        Identity("ann").role = Role.SERVICE
