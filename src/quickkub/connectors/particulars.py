"""What somebody says about an account, sorted by the manifest into settings in clear and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from quickkub.connectors.contract import Account, Manifest, SettingField
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret


class BadParticulars(Refusal):
    """An account lacks something its provider needs, or says something its provider does not know."""

    code, kind = "account_particulars_invalid", Kind.INVALID


def sort(manifest: Manifest, said: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and credentials, by the names of the manifest's fields. Raises BadParticulars.

    A setting may be written with the provider's name before it (`scb.mtls`), and addresses of the provider
    may be replaced (`base_url`, `<host>_base_url`). No value is repeated in a refusal: it may be a secret.
    """
    fields = {field.name: field for field in (*manifest.fields, *addresses(manifest))}
    settings: dict[str, str] = {}
    credentials: dict[str, str] = {}
    for written, value in said.items():
        name = written.removeprefix(f"{manifest.name}.")
        field = fields.get(name)
        if field is None:
            raise BadParticulars(f"{manifest.name} knows no {name[:60]!r}", param=name[:60])
        if value and field.pattern and re.fullmatch(field.pattern, value) is None:
            raise BadParticulars(f"{name} is not of the form {field.pattern}", param=name)
        (credentials if field.secret else settings)[name] = value
    for field in manifest.fields:
        if field.required and not (settings.get(field.name) or credentials.get(field.name)):
            raise BadParticulars(f"{field.name} is missing: {field.label_en}", param=field.name)
    return settings, credentials


def addresses(manifest: Manifest) -> Iterable[SettingField]:
    """The addresses that every provider's account may replace."""
    for name in ("base_url", *(f"{host}_base_url" for host in manifest.other_base_urls)):
        if all(field.name != name for field in manifest.fields):
            yield SettingField(
                name, "Address of the API", "ที่อยู่ของ API", required=False, pattern=r"https?://[^\s?#]+"
            )


def loose_account(manifest: Manifest, said: Mapping[str, str], *, mode: str = "test") -> Account:
    """An account of nobody, to try particulars with. Raises BadParticulars."""
    settings, credentials = sort(manifest, said)
    return Account(
        merchant=MerchantId("mer_" + "0" * 32),
        id="acc_" + "0" * 32,
        mode=mode,
        provider=manifest.name,
        settings=settings,
        credentials={name: Secret(value) for name, value in credentials.items()},
    )


def simulator_particulars(manifest: Manifest, url: str) -> dict[str, str]:
    """The particulars with which an account is paid through the provider's simulator at `url`."""
    others = {f"{host}_base_url": url + path for host, path in manifest.simulator_other_paths.items()}
    return {**manifest.simulator_account, "base_url": url + manifest.simulator_base_path, **others}
