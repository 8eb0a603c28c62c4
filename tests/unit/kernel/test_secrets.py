"""A secret is not printed by accident, whichever way it is asked (A4)."""

import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict, dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.secrets import Secret

VALUE = "skey_5lp8mz3qd1"
SECRET = Secret(VALUE)


@dataclass(frozen=True)
class Credentials:
    name: str
    key: Secret


PRINTED = {
    "str": str(SECRET),
    "repr": repr(SECRET),
    "f-string": f"{SECRET}",
    "f-string repr": f"{SECRET!r}",
    "f-string str": f"{SECRET!s}",
    "f-string ascii": f"{SECRET!a}",
    "f-string width": f"{SECRET:>40}",
    "f-string debug": f"{SECRET=}",
    "format": "{}".format(SECRET),  # noqa: UP032
    "format spec": format(SECRET, "<20"),
    "percent s": "%s" % SECRET,  # noqa: UP031
    "percent r": "%r" % (SECRET,),  # noqa: UP031
    "in a list": str([SECRET]),
    "in a dict": repr({"key": SECRET}),
    "in a dataclass": repr(Credentials("scb", SECRET)),
    "pretty": pprint.pformat({"key": [SECRET]}),
    "json with default=str": json.dumps({"key": SECRET}, default=str),
    "in an error": "".join(traceback.format_exception(ValueError("bad key", SECRET))),
}


@pytest.mark.parametrize("way", PRINTED)
def test_a_printed_secret_is_stars(way: str) -> None:
    assert VALUE not in PRINTED[way]
    assert "***" in PRINTED[way]


def test_a_logged_secret_is_stars(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("a test").warning("key %s of %r", SECRET, Credentials("scb", SECRET))
    assert VALUE not in caplog.text
    assert caplog.text.count("***") == 2


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.to_builtins,
        vars,
        dict,
    ],
    ids=lambda write: f"{write.__module__}.{write.__name__}",
)
def test_a_secret_is_not_written_copied_or_taken_apart(write: object) -> None:
    with pytest.raises(TypeError) as refused:
        write(SECRET)  # type: ignore[operator]
    assert VALUE not in str(refused.value)


def test_what_holds_a_secret_is_not_turned_into_a_dict() -> None:
    with pytest.raises(TypeError):
        asdict(Credentials("scb", SECRET))


def test_revealing_is_the_one_way_in() -> None:
    assert SECRET.reveal() == VALUE
    assert not hasattr(SECRET, "__dict__")


@given(st.text(), st.text())
def test_secrets_are_equal_when_their_values_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))


def test_a_secret_does_not_equal_its_text() -> None:
    assert SECRET != VALUE


def test_an_empty_secret_is_no_secret() -> None:
    assert not Secret("")
    assert SECRET
