"""Everything of a merchant that belongs to one person: their payments, refunds and disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quickkub.kernel.ids import MerchantId
from quickkub.privacy import erase_store, store
from quickkub.privacy.bodies import SEALED_BY_NAME
from quickkub.privacy.index import opened_person, tokens_of
from quickkub.privacy.office import Office
from quickkub.privacy.person import Person
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class Found:
    """Whose, the tokens they are found by, their objects by table, and all they are known by."""

    tokens: Mapping[str, bytes]
    objects: Mapping[str, Sequence[str]]
    people: Sequence[Person]

    @property
    def ids(self) -> list[str]:
        """Payments, refunds and disputes."""
        return [one for ids in self.objects.values() for one in ids]


async def look(tx: Connection, office: Office, merchant: MerchantId, person: Person) -> Found:
    """By the tokens that are there: whoever asks has brought the index up to date before."""
    tokens = tokens_of(office.index, merchant, person.found_by())
    direct = await store.objects_of(tx, merchant, list(tokens.values()))
    objects = await store.with_companions(tx, merchant, direct)
    people = [person]
    for row in await erase_store.payers(tx, merchant, objects):
        column = "payer" if row["table"] == "payments" else "destination"
        place = SEALED_BY_NAME[f"{row['table']}.{column}"].place(merchant, row["id"], row["mode"])
        people.append(opened_person(office.vault, bytes(row["sealed"]), place))
    return Found(tokens, objects, list(dict.fromkeys(people)))
