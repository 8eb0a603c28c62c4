"""What docs/guide/webhooks.md promises is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from quickkub.kernel.secrets import Secret
from quickkub.webhooks.rules import EVENT_TYPES
from quickkub.webhooks.sign import compatible_headers, standard_headers
from quickkub.webhooks.verify import verify, verify_compatible

GUIDE = (Path(__file__).parents[3] / "docs/guide/webhooks.md").read_text(encoding="utf-8")
VERIFY = Path(__file__).parents[3] / "src/quickkub/webhooks/verify.py"


def test_the_worked_example_verifies_and_is_what_we_would_send() -> None:
    found = re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    example = json.loads(found[1])
    headers, body, secret = example["headers"], example["body"].encode(), example["secret"]
    timestamp = int(headers["webhook-timestamp"])
    assert verify(headers, body, [secret], timestamp) == headers["webhook-id"]
    verify_compatible(headers, body, [secret], timestamp)
    ours = standard_headers(headers["webhook-id"], timestamp, body, [Secret(secret)])
    assert ours | compatible_headers(timestamp, body, Secret(secret)) == headers


def test_the_table_of_events_is_complete() -> None:
    told = re.findall(r"^\| `((?:payment|refund|dispute|case)\.\w+)` \|", GUIDE, re.MULTILINE)
    assert tuple(told) == EVENT_TYPES


def test_the_helper_a_merchant_copies_needs_the_standard_library_only() -> None:
    assert "quickkub" not in re.sub(r'""".*?"""', "", VERIFY.read_text(encoding="utf-8"), flags=re.DOTALL)
