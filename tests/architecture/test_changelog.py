"""One note per change, assembled at a release."""

from __future__ import annotations

from pathlib import Path

from tests.support.planted import plant
from tools import changelog

FILES = {
    "changelog.d/README.md": "How to.\n",
    "changelog.d/qr.fixed.md": "A late QR is\nbooked.\n",
    "changelog.d/scb.added.md": "SCB.\n",
}


def test_the_notes_have_a_section_per_kind_and_a_line_per_change(tmp_path: Path) -> None:
    notes = changelog.notes(plant(tmp_path, FILES), "Coming")
    assert notes == "## Coming\n\n### Added\n- SCB.\n\n### Fixed\n- A late QR is booked.\n"


def test_a_release_goes_on_top_and_uses_its_fragments_up(tmp_path: Path) -> None:
    changelog.release(plant(tmp_path, FILES), "0.1.0", "2026-12-01")
    changelog.release(plant(tmp_path, {"changelog.d/x.changed.md": "X.\n"}), "0.2.0", "2026-12-24")
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert text.startswith(
        "# Changes\n\n## 0.2.0 (2026-12-24)\n\n### Changed\n- X.\n\n## 0.1.0 (2026-12-01)\n"
    )
    assert [path.name for path in (tmp_path / "changelog.d").iterdir()] == ["README.md"]
