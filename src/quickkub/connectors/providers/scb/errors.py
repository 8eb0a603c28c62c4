"""SCB's generic status codes: what each means, whether asking again helps, and what it proves (pack 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown

SUCCESS: Final = 1000
SUCCESS_STATUSES: Final = frozenset({200, 201, 202, 204})
NO_SUCH_RECORD: Final = 1104
TOKEN_INVALID: Final = 9300
UNAUTHORIZED: Final = 401


class Again(Enum):
    """Whether the same request may be sent again."""

    NO = "no"
    YES = "yes, later"
    READS = "reads later; creations inquire first"
    INQUIRE = "no, inquire"
    RENEW = "once, with a new token"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the bank's table. `failure` is set when the row proves that the request had no effect."""

    text: str
    again: Again
    failure: Failure | None


_REFUSED: Final = Failure.REQUEST_REFUSED
_OURS: Final = Failure.PROVIDER_MISCONFIGURED

MEANINGS: Final[dict[tuple[int, int], Meaning]] = {
    (400, 1101): Meaning("a required parameter is missing", Again.NO, _REFUSED),
    (400, 1102): Meaning("a parameter has an invalid value", Again.NO, _REFUSED),
    (400, 1103): Meaning("an empty text is not allowed", Again.NO, _REFUSED),
    (404, 1104): Meaning("there is no such record", Again.NO, _REFUSED),
    (400, 1105): Meaning("a field name is not known", Again.NO, _REFUSED),
    # Something of this name exists already: it may be our own first try, so nothing is proved.
    (400, 1111): Meaning("it duplicates an existing entry", Again.INQUIRE, None),
    (501, 4101): Meaning("the channel is not supported", Again.NO, _OURS),
    (400, 8101): Meaning("a system behind gave a bad answer", Again.READS, None),
    (500, 8101): Meaning("a system behind gave a bad answer", Again.READS, None),
    (400, 8102): Meaning("the payment system failed", Again.INQUIRE, None),
    (500, 8901): Meaning("the bank's database failed", Again.YES, None),
    (500, 8902): Meaning("the bank's database failed", Again.YES, None),
    (400, 9100): Meaning("a required header is missing", Again.NO, _REFUSED),
    (401, 9100): Meaning("the credentials are missing", Again.NO, _OURS),
    (401, 9300): Meaning("the token is invalid or has expired", Again.RENEW, _OURS),
    (401, 9500): Meaning("the API key or secret is wrong", Again.NO, _OURS),
    (403, 9503): Meaning("this application has no right to the API", Again.NO, _OURS),
    (500, 9700): Meaning("general error", Again.YES, None),
    (405, 9900): Meaning("the method is not supported", Again.NO, None),
    (415, 9900): Meaning("the content type is not supported", Again.NO, None),
    (500, 9900): Meaning("unavailable, overloaded or in maintenance", Again.YES, None),
    (502, 9900): Meaning("unavailable, overloaded or in maintenance", Again.YES, None),
    (503, 9900): Meaning("unavailable, overloaded or in maintenance", Again.YES, None),
    (504, 9900): Meaning("unavailable, overloaded or in maintenance", Again.YES, None),
}


def conclude(status: int, code: int) -> Declined | Unknown:
    """What an answer that is no success proves: Declined when nothing happened, else Unknown.

    A pair of HTTP status and code that is not in the table proves nothing. That includes the rate limiter's
    429, whose body is not public.
    """
    meaning = MEANINGS.get((status, code))
    if meaning is None:
        return Unknown(f"SCB answered HTTP {status} with code {code}")
    if meaning.failure is None:
        return Unknown(f"SCB answered {code}: {meaning.text}")
    return Declined(meaning.failure, str(code), meaning.text)
