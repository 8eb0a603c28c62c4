"""E-mail addresses: what may be one, and which two are the same one.

Only what every mail server takes: ASCII in front of the @, a host name behind it. Anything wider would also
let in what reorders a mail's headers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import idna

from quickkub.kernel.errors import Kind, Refusal

LETTERS_MAX: Final = 254
_LOCAL_LETTERS_MAX: Final = 64
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


class EmailInvalid(Refusal):
    """The text is no e-mail address that a letter could be sent to."""

    code, kind = "email_invalid", Kind.INVALID

    def __init__(self, param: str = "email") -> None:
        super().__init__("is not an e-mail address such as name@example.com", param=param)


@dataclass(frozen=True, slots=True)
class Email:
    """An address as it is written to, and its normal form: one account for one normal form."""

    written: str
    normal: str


def read_email(text: str, param: str = "email") -> Email:
    """An address. Capitals make no difference to us, although they may to its server. Raises EmailInvalid."""
    local, _, host = text.strip(" ").rpartition("@")
    if not 0 < len(local) <= _LOCAL_LETTERS_MAX or _LOCAL.fullmatch(local) is None:
        raise EmailInvalid(param)
    try:
        ascii_host = (host if host.isascii() else idna.encode(host, uts46=True).decode()).lower()
    except idna.IDNAError:
        raise EmailInvalid(param) from None
    if _HOST.fullmatch(ascii_host) is None or len(local) + 1 + len(ascii_host) > LETTERS_MAX:
        raise EmailInvalid(param)
    return Email(f"{local}@{ascii_host}", f"{local.lower()}@{ascii_host}")


def masked(email: str) -> str:
    """First letter and domain, as audit entries and letters show it (security-reliability 5.7)."""
    local, _, host = email.partition("@")
    return f"{local[:1]}***@{host}"
