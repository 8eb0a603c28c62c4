"""How a column is classified: what it is, whose, how long it stays, how it is shown, how it is erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from quickkub.privacy.periods import Kind


class Class(Enum):
    """How much harm a column does in the wrong hands; `secret` is what proves somebody or opens something."""

    PUBLIC = "public"
    INTERNAL = "internal"
    MONEY = "money"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # noqa: S105 -- the name of a class


class Whose(Enum):
    """Whose a personal column is."""

    NOBODY = "nobody's"
    PAYER = "a payer's"
    MEMBER = "somebody's who signs in"
    OWNER = "a merchant's owner's"
    ANYBODY = "anybody's: free text or a stranger's words"


class Mask(Enum):
    """How a value is shown to whom the whole of it does not concern (privacy/masking.py)."""

    SHOWN = "shown"
    NAME = "first letter"
    EMAIL = "first letter and domain"
    PHONE = "last four"
    ACCOUNT = "last four"
    NATIONAL_ID = "last four"
    ADDRESS = "network"
    TEXT = "by shape: cards, ids, keys"
    HIDDEN = "never shown"


class Erasure(Enum):
    """What the erasure of a payer does."""

    NOTHING = "nothing"
    REPLACED = "replaced by a pseudonym"
    EMPTIED = "emptied"
    DELETED = "deleted"
    HASHED = "kept: a keyed hash, until its time"
    KEPT = "kept: not a payer's"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the schema. `sealed`: stored encrypted, and in the vault's registry."""

    table: str
    name: str
    class_: Class
    whose: Whose
    kept: Kind
    mask: Mask
    erasure: Erasure
    sealed: bool = False

    @property
    def full_name(self) -> str:
        """`table.column`."""
        return f"{self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class Told:
    """What has to be told of a column that is not plain."""

    mask: Mask
    erasure: Erasure
    whose: Whose = Whose.PAYER
    sealed: bool = False
    kept: Kind | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns by class. Plain classes are names with spaces between; the others tell more."""

    name: str
    kept: Kind
    public: str = ""
    internal: str = ""
    money: str = ""
    hashed: str = ""
    personal: Mapping[str, Told] | None = None
    sensitive: Mapping[str, Told] | None = None
    secret: Mapping[str, Told] | None = None

    def columns(self) -> Iterator[Column]:
        """Each column once."""
        plain = {Class.PUBLIC: self.public, Class.INTERNAL: self.internal, Class.MONEY: self.money}
        for class_, names in plain.items():
            for name in names.split():
                yield Column(self.name, name, class_, Whose.NOBODY, self.kept, Mask.SHOWN, Erasure.NOTHING)
        for name in self.hashed.split():
            # Random secrets and chains: their hash says nothing of a person.
            yield Column(self.name, name, Class.SECRET, Whose.NOBODY, self.kept, Mask.HIDDEN, Erasure.NOTHING)
        told = {
            Class.PERSONAL: self.personal,
            Class.SENSITIVE: self.sensitive,
            Class.SECRET: self.secret,
        }
        for class_, more in told.items():
            for name, one in (more or {}).items():
                yield Column(
                    self.name,
                    name,
                    class_,
                    one.whose,
                    one.kept or self.kept,
                    one.mask,
                    one.erasure,
                    one.sealed,
                )
