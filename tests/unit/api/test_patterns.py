"""A pattern of the API means the whole text, for us as for whoever reads the OpenAPI file."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from quickkub import api
from quickkub.api.schema import PayerInput
from quickkub.api.strictjson import ParameterInvalid, convert
from tools import pages


def structs() -> Iterator[type[msgspec.Struct]]:
    """Every Struct of the API's own files."""
    for found in pkgutil.walk_packages(api.__path__, "quickkub.api."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct):
                yield value


def patterns_in(info: Any) -> Iterator[str]:
    """The patterns of the texts in a type's description."""
    if isinstance(info, msgspec.inspect.StrType) and info.pattern is not None:
        yield info.pattern
    if isinstance(info, msgspec.Struct):
        for name in info.__struct_fields__:
            yield from patterns_in(getattr(info, name))
    if isinstance(info, tuple):
        for one in info:
            yield from patterns_in(one)


def all_patterns() -> set[str]:
    """Every pattern that a request is held to."""
    return {
        pattern
        for struct in structs()
        if not getattr(struct, "__parameters__", ())
        for field in msgspec.structs.fields(struct)
        for pattern in patterns_in(msgspec.inspect.type_info(field.type))
    }


def test_no_pattern_lets_a_line_break_in_behind_what_it_describes() -> None:
    found = all_patterns()
    assert "^0[0-9]{9}\\Z" in found
    assert [pattern for pattern in found if pattern.endswith("$")] == [], "write pattern=exactly(...)"


def test_the_openapi_file_says_it_in_the_words_of_json_schema() -> None:
    text = pages.openapi()
    assert json.loads(text)["components"]["schemas"]["PayerInput"]["properties"]["phone"]
    assert '"^0[0-9]{9}$"' in text and "\\Z" not in text


def test_a_line_break_behind_a_phone_number_is_refused() -> None:
    assert convert({"phone": "0812345678"}, PayerInput).phone == "0812345678"
    with pytest.raises(ParameterInvalid):
        convert({"phone": "0812345678\n"}, PayerInput)
