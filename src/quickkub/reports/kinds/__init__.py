"""Reports that one query answers, a file for each subject; a new one gets its line here."""

from __future__ import annotations

from typing import Final

from quickkub.reports.kinds import happenings, people, personal_data, programs, suspicious, thresholds, volume
from quickkub.reports.model import Kind

KINDS: Final[tuple[Kind, ...]] = (
    volume.DAILY,
    volume.MONTHLY,
    thresholds.TRANSACTIONS,
    thresholds.DAYS,
    suspicious.CASES,
    suspicious.FREEZES,
    suspicious.RISKS,
    people.USERS,
    people.MEMBERS,
    people.OPERATORS,
    people.INVITATIONS,
    programs.API_KEYS,
    programs.OAUTH_CLIENTS,
    programs.DATABASE_ROLES,
    programs.SIGNING_KEYS,
    happenings.ACTIVITY,
    happenings.APPROVALS,
    happenings.CASES,
    happenings.DRILLS,
    happenings.WATCHES,
    personal_data.RETENTION,
    personal_data.HOLDS,
    personal_data.REQUESTS,
    personal_data.ERASURES,
    personal_data.BREACHES,
    happenings.SCHEDULES,
)
