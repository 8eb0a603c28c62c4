"""The page of providers: what each offers, what an account at it needs to know, and its simulator."""

from __future__ import annotations

from typing import Final

from quickkub.connectors import registry
from quickkub.connectors.contract import Manifest, MethodOffer, SettingField
from quickkub.kernel.money import Money
from tools.markdown import WRITTEN, table
from tools.tree import ROOT

_ORDER: Final = (
    "authorize",
    "capture_part",
    "capture_several",
    "void",
    "refund",
    "refund_part",
    "cancel",
    "challenge",
)
_LETTERS_MAX: Final = 80


def page() -> str:
    """Every provider there is, from its manifest alone."""
    found = registry.providers()
    overview = table(
        ["provider", "name in settings", "methods", "simulator port"],
        [
            [
                f"[{manifest.title_en}](#{name})",
                f"`{name}`",
                ", ".join(f"`{offer.method}`" for offer in manifest.methods),
                str(manifest.simulator_port),
            ]
            for name, manifest in found.items()
        ],
    )
    intro = "# Providers\n\nEach is a folder in `src/quickkub/connectors/providers`.\n\n"
    return "\n".join([WRITTEN + intro + overview, *(_section(manifest) for manifest in found.values())])


def _section(manifest: Manifest) -> str:
    parts = [
        f'<a id="{manifest.name}"></a>\n\n## {manifest.title_en} · {manifest.title_th}\n',
        *([f"{manifest.about_en}\n"] if manifest.about_en else []),
        f"Name in settings: `{manifest.name}`\n",
        table(
            ["method", "from", "to", "can", "needs", "refunds", "list price", "next action"],
            [_offer(offer) for offer in manifest.methods],
        ),
        _traits(manifest),
        "### Settings\n",
        table(["setting", "what it is", "คำอธิบาย", "", "default"], [_field(f) for f in manifest.fields]),
        _assumed(manifest),
        _simulator(manifest),
        _sources(manifest),
    ]
    return "\n".join(part for part in parts if part)


def _offer(offer: MethodOffer) -> list[str]:
    can = sorted((one.value for one in offer.can), key=_ORDER.index)
    takes_back = "refund" in can
    days = "" if offer.refund_days is None else f"within {offer.refund_days} days"
    on = f" (switch `{offer.flag}`)" if offer.flag else ""
    return [
        f"`{offer.method}`{on}",
        str(Money(offer.amount_min)),
        str(Money(offer.amount_max)),
        ", ".join(can),
        ", ".join(f"`{name}`" for name in offer.needs),
        (days or "no limit named") if takes_back else "by bank transfer",
        "" if offer.fee_basis_points is None else _percent(offer.fee_basis_points),
        ", ".join(offer.actions),
    ]


def _percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02d} %"


def _traits(manifest: Manifest) -> str:
    after = manifest.visible_after_seconds
    return table(
        ["", ""],
        [
            ["the same order asked for twice", _repeat(manifest.create_is_repeatable)],
            ["the same instruction told twice", _repeat(manifest.instruct_is_repeatable)],
            [
                "it knows no such reference",
                "proves nothing" if after is None else f"proves that it never got it, after {after} s",
            ],
            ["our reference has at most", f"{manifest.reference_letters_max} letters"],
            ["address for tests", f"`{manifest.sandbox_base_url}`"],
            ["address for money", f"`{manifest.live_base_url}`"],
            *(
                [f"addresses of `{host}`", f"`{sandbox}`, `{live}`"]
                for host, (sandbox, live) in manifest.other_base_urls.items()
            ),
        ],
    )


def _repeat(harmless: bool) -> str:
    return "makes nothing new" if harmless else "is never done: an inquiry finds out first"


def _field(field: SettingField) -> list[str]:
    marks = ["secret"] if field.secret else []
    marks += ["assumed"] if field.assumed else []
    return [
        f"`{field.name}`",
        field.label_en,
        field.label_th,
        ", ".join(marks),
        "needed" if field.required else f"`{field.default}`" if field.default else "",
    ]


def _assumed(manifest: Manifest) -> str:
    """What the provider does not publish, and what we do about it."""
    rows = [
        [f"`{field.name}`", f"`{field.default}`" if field.default else "empty", field.note or field.label_en]
        for field in manifest.fields
        if field.assumed
    ]
    return (
        "### Assumed\n\nNot published by the provider; the default is the careful choice.\n\n"
        + table(["setting", "default", "why"], rows)
        if rows
        else ""
    )


def _simulator(manifest: Manifest) -> str:
    port, path = manifest.simulator_port, manifest.simulator_base_path
    rows = [["base_url", f"`http://127.0.0.1:{port}{path}`"]]
    rows += [
        [f"{host}_base_url", f"`http://127.0.0.1:{port}{path}`"]
        for host, path in manifest.simulator_other_paths.items()
    ]
    rows += [[name, _short(value)] for name, value in manifest.simulator_credentials.items()]
    guide = f"docs/guide/{manifest.name}-simulator.md"
    more = f" More in [its guide](../guide/{manifest.name}-simulator.md)." if (ROOT / guide).exists() else ""
    return (
        f"### Simulator\n\n`quickkub simulators up {manifest.name}` plays it; these work from its start."
        f"{more}\n\n" + table(["name", "value"], rows)
    )


def _short(value: str) -> str:
    """A credential, unless it is a key of many lines."""
    fits = len(value) <= _LETTERS_MAX and "\n" not in value
    return f"`{value}`" if fits else "a key, printed when the simulator starts"


def _sources(manifest: Manifest) -> str:
    lines = "".join(f"- {source}\n" for source in manifest.sources)
    return f"### Sources\n\n{lines}" if lines else ""
