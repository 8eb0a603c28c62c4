"""Where this installation anchors its audit log, and when it looks at it."""

from __future__ import annotations

from quickkub.audit.anchoring import KEY_FILE, AnchorPlace, anchor
from quickkub.audit.watch import watch
from quickkub.settings import Settings
from quickkub.storage import Database
from quickkub.worker.schedules import Schedule


def audit_place(settings: Settings) -> AnchorPlace:
    """The folder of the anchors, and the key that signs them, which stays in the data folder."""
    return AnchorPlace(settings.anchor_dir, settings.data_dir / KEY_FILE)


def audit_schedules(db: Database, settings: Settings) -> dict[str, Schedule]:
    """The heads of all chains go outside the database every hour, and all is verified every night."""
    place = audit_place(settings)

    async def anchor_heads() -> None:
        await anchor(db, place)

    async def verify_all() -> None:
        await watch(db, place)

    return {
        "audit_anchors": Schedule("7 * * * *", anchor_heads),
        # 03:10 in Bangkok.
        "audit_verify": Schedule("10 20 * * *", verify_all),
    }
