"""The page of docs/generated on what payers' pages load and the headers they come with."""

from __future__ import annotations

from quickkub.web.assets import listed
from quickkub.web.headers import asset_headers, page_headers
from tools.markdown import WRITTEN, table


def page() -> str:
    """The manifest of our pages, as an assessor asks for it (PCI DSS 4.0.1, 6.4.3 and 11.6.1)."""
    files = [
        [line.kind, f"`{line.file}`", ", ".join(line.pages), line.reason, f"`{line.sha256}`"]
        for line in listed()
    ]
    return (
        WRITTEN + "# What our pages load\n\n"
        "Nothing else may be loaded, and no page holds a script of its own. A gateway whose files\n"
        "differ does not start; a test renders every kind of page and compares it with this list;\n"
        "`quickkub watch pages`, and a worker every day, compare what the public address really sends\n"
        "with it (PCI DSS 4.0.1, 6.4.3 and 11.6.1).\n\n"
        + table(["kind", "file", "pages", "reason", "SHA-256"], files)
        + "\n## Headers of a page\n\n"
        "Over https. A page with a provider's form names that provider in `form-action`.\n\n"
        + _headers(page_headers(https=True))
        + "\n## Headers of a file\n\n"
        + _headers(asset_headers(https=True))
    )


def _headers(told: dict[str, str]) -> str:
    return table(["header", "value"], [[f"`{name}`", f"`{value}`"] for name, value in told.items()])
