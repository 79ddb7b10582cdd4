"""The OCI distribution conformance program, unmodified, against one registry."""

from collections.abc import Callable
from pathlib import Path

from tools import programs
from tools.azure import Az, Registry
from tools.strangers import conformance_path


def test_the_registry_conforms_to_the_distribution_specification(
    az: Az, make_registry: Callable[..., Registry], environment: dict[str, str], tmp_path: Path
) -> None:
    registry = make_registry("--admin-enabled", "true")
    account = az("acr", "credential", "show", "-n", registry.name)
    settings = {
        "OCI_REGISTRY": registry.server,
        "OCI_TLS": "enabled",
        "OCI_REPO1": "conformance/repo1",
        "OCI_REPO2": "conformance/repo2",
        "OCI_USERNAME": account["username"],
        "OCI_PASSWORD": account["passwords"][0]["value"],
        # Off by default; what is optional has to hold as well.
        "OCI_API_BLOBS_DIGEST_HEADER": "true",
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
        "OCI_RESULTS_DIR": str(tmp_path / "results"),
    }

    outcome = programs.run(
        [conformance_path()], {**environment, **settings}, timeout_s=500, folder=tmp_path
    )

    programs.succeed(outcome)
    print(outcome.out)
    report = (tmp_path / "results" / "junit.xml").read_text()
    assert 'failures="0"' in report
    assert 'errors="0"' in report
