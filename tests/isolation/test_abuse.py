"""What cells try against a worker's host fails, and the host goes on."""

import pytest
from tests.isolation.abuse.attempt import Attempt
from tests.isolation.abuse.groups import GROUPS
from tests.isolation.abuse.trial import tried

ALL = [
    pytest.param(each, id=f"{group}: {each.name}")
    for group, attempts in GROUPS.items()
    for each in attempts
]


@pytest.mark.timeout(40)
@pytest.mark.parametrize("attempt", ALL)
def test_what_is_tried_fails(attempt: Attempt) -> None:
    outcome = tried(attempt)

    assert not outcome.is_stuck
    assert not attempt.succeeded(outcome)
    assert outcome.raised is None
    assert outcome.works
