"""The caller as its claims state it, and for whom it may act."""

from __future__ import annotations

import pytest

from resume_service.auth.identity import Identity, Role
from resume_service.errors import Forbidden, Unauthorized


def of(*, trusted: bool = True, **claims):
    return Identity.from_claims({"sub": "ann"} | claims, trust_authority=trusted)


def test_a_subject_alone_is_a_guest_of_no_corporation():
    assert of() == Identity("ann", Role.GUEST, None)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_of_ours_is_taken(role):
    assert of(role=str(role)).role is role


@pytest.mark.parametrize("role", ["root", "ADMIN", "", None, 1, True, [], ["admin"], {}, 1.5])
def test_any_other_role_is_a_guests(role):
    assert of(role=role).role is Role.GUEST


def test_a_corporation_is_a_whole_number():
    assert of(corporation_id=7).corporation_id == 7


@pytest.mark.parametrize("company", ["7", 7.0, True, None, [7], {}])
def test_anything_else_is_no_corporation(company):
    assert of(corporation_id=company).corporation_id is None


def test_without_trust_authority_is_ignored():
    assert of(role="service", corporation_id=7, trusted=False) == Identity("ann")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_subject_names_an_account_only_where_it_may(trusted):
    claims = {"sub": "7", "role": "guest"}

    assert of(**claims, trusted=trusted).account_id is None
    ours = Identity.from_claims(claims, trust_authority=True, names_account=True)
    assert ours.account_id == 7


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    "subject", [None, 1, True, [], {}, b"ann", "", " ", "a b", "a/b", "a\n", "\x7f", "a" * 129]
)
def test_a_subject_that_is_no_user_id_is_nobody(subject, trusted):
    with pytest.raises(Unauthorized):
        of(sub=subject, trusted=trusted)


def test_claims_without_a_subject_are_nobodys():
    with pytest.raises(Unauthorized):
        Identity.from_claims({}, trust_authority=True)


@pytest.mark.parametrize("subject", ["a", "a" * 128, "user_123", "a:b%2F", "жö漢", "auth0|1"])
def test_a_subject_may_be_any_id(subject):
    assert of(sub=subject).user_id == subject


@pytest.mark.parametrize("role", list(Role))
def test_a_caller_may_act_for_itself(role):
    assert Identity("ann", role).require_access_to("ann") is None


@pytest.mark.parametrize("role", [Role.GUEST, Role.ADMIN])
@pytest.mark.parametrize("other", ["bob", "Ann", "ann ", "", "an"])
def test_only_a_service_may_act_for_another(role, other):
    with pytest.raises(Forbidden):
        Identity("ann", role).require_access_to(other)
    assert Identity("ann", Role.SERVICE).require_access_to(other) is None


def test_an_identity_does_not_change():
    with pytest.raises(AttributeError):
        Identity("ann").role = Role.SERVICE
