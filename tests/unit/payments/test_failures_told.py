"""One set of failure codes for all providers, in two languages."""

from __future__ import annotations

import re

import pytest

from quickkub.connectors.contract import Failure
from quickkub.payments.view import FAILURE_TEXTS, FAILURE_TEXTS_TH, failure_view


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_is_told_in_english_and_in_thai(failure: Failure) -> None:
    told = failure_view(failure.value)
    assert told is not None
    assert told["code"] == failure.value
    assert not re.search("[\u0e00-\u0e7f]", told["message"])
    assert re.search("[\u0e00-\u0e7f]", told["message_th"])


def test_no_failure_is_told_that_no_connector_knows() -> None:
    assert FAILURE_TEXTS.keys() == FAILURE_TEXTS_TH.keys() == {failure.value for failure in Failure}


def test_where_nothing_failed_nothing_is_told() -> None:
    assert failure_view(None) is None
