"""The XML in which the bank lists an order's payments (bbl.md A5), read in one way or not at all."""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from quickkub.connectors.reading import Garbled

RECORDS_MAX: Final = 500
TEXT_LETTERS_MAX: Final = 4000
_FIELD_DEPTH: Final = 3


class _Reader:
    """Builds records while the parser runs. A document type, and with it every entity, is refused."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []
        self._open: list[str] = []
        self._text = ""

    def begins(self, name: str, _: dict[str, str]) -> None:
        self._open.append(name)
        if self._open[:2] not in (["records"], ["records", "record"]) or len(self._open) > _FIELD_DEPTH:
            raise Garbled("the answer is no list of records")
        if self._open == ["records", "record"]:
            self.records.append({})
            if len(self.records) > RECORDS_MAX:
                raise Garbled("there are too many records")
        self._text = ""

    def says(self, text: str) -> None:
        self._text += text
        if len(self._text) > TEXT_LETTERS_MAX:
            raise Garbled("a field is too long")
        if len(self._open) < _FIELD_DEPTH and text.strip():
            raise Garbled("there is text between the fields")

    def ends(self, name: str) -> None:
        if len(self._open) == _FIELD_DEPTH:
            record = self.records[-1]
            if name in record:
                raise Garbled("a field is given twice")
            record[name] = self._text.strip()
        self._open.pop()
        self._text = ""

    def refuses(self, *_: object) -> None:
        raise Garbled("the answer has a document type")


def read_records(body: bytes) -> list[dict[str, str]]:
    """The records of `<records>`, each as its fields' texts. Raises Garbled."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.begins
    parser.EndElementHandler = reader.ends
    parser.CharacterDataHandler = reader.says
    parser.StartDoctypeDeclHandler = reader.refuses
    parser.EntityDeclHandler = reader.refuses
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Garbled("not XML") from None
    except (LookupError, ValueError):
        raise Garbled("the XML has an unknown encoding") from None
    return reader.records
