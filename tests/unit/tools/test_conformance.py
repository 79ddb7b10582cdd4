import json
import re
from pathlib import Path

import pytest
from tools.conformance import images, results, specs
from tools.conformance.specs import Verdict


def describe(name: str, state: str, **more: object) -> dict[str, object]:
    return {
        "LeafNodeType": "It",
        "ContainerHierarchyTexts": ["[sig-x] Things"],
        "LeafNodeText": name,
        "State": state,
        "RunTime": 1_500_000_000,
        **more,
    }


def test_a_verdict_is_read_for_each_spec_that_was_chosen() -> None:
    place = {"FileName": "/go/test/e2e/x.go", "LineNumber": 7}
    told = [
        describe("work [Conformance]", "passed"),
        describe("break", "failed", Failure={"Message": "it broke", "FailureNodeLocation": place}),
        describe("need a cloud", "skipped", Failure={"Message": "skipped - no cloud"}),
        describe("was not chosen", "skipped"),
        {"LeafNodeType": "SynchronizedBeforeSuite", "LeafNodeText": "", "State": "passed"},
    ]

    found = specs.read([{"SpecReports": told}])

    assert found == {
        "[sig-x] Things work [Conformance]": Verdict("passed", 1.5),
        "[sig-x] Things break": Verdict("failed", 1.5, "it broke (x.go:7)"),
        "[sig-x] Things need a cloud": Verdict("skipped", 1.5, "skipped - no cloud"),
    }


def test_specs_are_found_by_their_names() -> None:
    names = ["[sig-x] a (b) [C]", "[sig-x] c.d"]

    (pattern,) = specs.name_exactly(names)

    assert all(re.search(pattern, name) for name in names)
    assert not re.search(pattern, "[sig-x] cxd")
    assert specs.name_exactly([]) == []


def test_verdicts_are_kept(tmp_path: Path) -> None:
    known = {"netpol": {"a": Verdict("passed", 1.0), "b": Verdict("failed", 2.0, "why")}}
    (tmp_path / "kept").write_text(specs.dump(known))

    assert specs.load(tmp_path / "kept") == known
    assert specs.load(tmp_path / "none") == {}


def test_what_was_not_run_is_told_and_counts_for_nothing() -> None:
    known = {
        "a": Verdict("passed", 1.0),
        "b": Verdict("timedout", 2.0, "too long"),
        "c": Verdict("skipped", 0.0, "no cloud"),
    }

    lane = results.render({"netpol": ["a", "b", "c", "d"]}, {"netpol": known})["lanes"]["netpol"]

    assert (lane["specs"], lane["passed"], lane["notRun"]) == (4, 1, ["d"])
    assert lane["failed"] == [{"spec": "b", "state": "timedout", "why": "too long"}]
    assert lane["skippedByThemselves"] == [{"spec": "c", "state": "skipped", "why": "no cloud"}]


def test_what_a_kernel_cannot_do_is_held_against_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Netpol [Feature:SCTPConnectivity] a", "Netpol b"]
    known = {"netpol": {names[0]: Verdict("failed", 300.0, "no answer")}}

    monkeypatch.setattr(specs, "_has_sctp", lambda: False)
    lane = results.render({"netpol": names}, known)["lanes"]["netpol"]

    (unfit,) = lane["cannotRunHere"]
    assert unfit["spec"] == names[0]
    assert "SCTP" in unfit["why"]
    assert (lane["failed"], lane["notRun"]) == ([], ["Netpol b"])
    monkeypatch.setattr(specs, "_has_sctp", lambda: True)
    assert results.render({"netpol": names}, known)["lanes"]["netpol"]["cannotRunHere"] == []


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    parts = tmp_path / "parts"
    parts.mkdir()
    names = ("agnhost", "nonewprivs", "sample-apiserver", "kubernetes", "pause", "system.tar")
    for name in (*names, "bash-static"):
        (parts / name).write_bytes(name.encode())
    (parts / "busybox").write_text("#!/bin/sh\necho ls cat sh busybox\n")
    (parts / "busybox").chmod(0o755)
    monkeypatch.setattr(images.system, "find_folder", lambda: parts)
    tags = images.make(tmp_path / "layout", parts, parts / "kubernetes")
    (tmp_path / "tags").write_text(json.dumps(tags))
    return tmp_path


def test_each_image_is_in_the_layout_under_a_tag_of_its_own(made: Path) -> None:
    tags = json.loads((made / "tags").read_text())
    index = json.loads((made / "layout" / "index.json").read_text())

    noted = [one["annotations"]["org.opencontainers.image.ref.name"] for one in index["manifests"]]

    assert sorted(noted) == sorted(tags.values())
    assert len(set(noted)) == len(tags)
    for manifest in index["manifests"]:
        blob = made / "layout" / "blobs" / "sha256" / manifest["digest"].partition(":")[2]
        for layer in json.loads(blob.read_text())["layers"]:
            assert (blob.parent / layer["digest"].partition(":")[2]).stat().st_size == layer["size"]
