"""schemathesis: the running service and its OpenAPI document agree."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.tokens import bearer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
KNOWN_IDS = """\
[dictionaries]
users = { values = ["user_123456", "ann"] }
videos = { values = ["12345", "v1"] }
catalogued = { values = [1, 12345] }

[parameters]
"path.clerkId" = { dictionary = "users", probability = 0.5 }
"path.tmdbId" = { dictionary = "videos", probability = 0.5 }
"path.video_id" = { dictionary = "catalogued", probability = 0.5 }
"path.media_item_id" = { dictionary = "catalogued", probability = 0.5 }
"path.episode_id" = { dictionary = "catalogued", probability = 0.5 }
"body.clerkId" = { dictionary = "users", probability = 0.5 }
"body.tmdbId" = { dictionary = "videos", probability = 0.5 }
"""
"""Without common ids, every read would be a 404."""
CHECKED = "[checks]\nenabled = false\n" + "".join(f"{name}.enabled = true\n" for name in CHECKS)
RESERVED_WORD = """\
[[operations]]
include-path = "/api/progress/batch"

[operations.checks]
unsupported_method.enabled = false
allow_header_conformance.enabled = false
"""
"""A `GET` of this path is a list of the user `batch`. It gets a 400: this word can't be a user id."""


HOOKS = """\
import schemathesis

@schemathesis.hook
def filter_case(context, case):
    return case.path_parameters.get("clerkId") != "events"
"""
"""A `GET` of the list of the user `events` opens a stream, which does not end."""


def responses_by_status(service) -> Counter[str]:
    """The number of requests that the service itself counted, by status."""
    with urllib.request.urlopen(service.address + "/metrics", timeout=20) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    counts: Counter[str] = Counter()
    for sample in (each for family in families for each in family.samples):
        if sample.name == "resume_request_seconds_count":
            counts[sample.labels["status"]] += int(sample.value)
    return counts


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_generated_requests_find_no_difference_between_document_and_service(
    service, tmp_path, effort
):
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text(
        f'hooks = "hooks.py"\n{KNOWN_IDS}\n{CHECKED}\n{RESERVED_WORD}'
    )
    least, examples = effort((300, 15), (2500, 300))
    before = responses_by_status(service)

    run = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{service.address}/openapi.json",
            "--header", f"Authorization: {bearer('backend', role='service')['Authorization']}",
            "--max-examples", str(examples), "--no-color",
            "--generation-database", "none", "--continue-on-failure",
            "--exclude-path", "/api/progress/events",  # its response does not end
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr
    generated = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert generated, run.stdout
    assert int(generated[1]) >= least
    counts = responses_by_status(service) - before
    assert counts.total() >= least
    assert counts["200"] >= 10
    assert counts["204"] >= 10
    assert not [status for status in counts if status >= "500"]
    # Each operation but the stream, and the document itself, which schemathesis leaves out.
    assert "API Operations:\n  Selected: 20/21\n  Tested: 20" in run.stdout
    print(generated[0], counts)  # noqa: T201  # `make soak` shows the number
