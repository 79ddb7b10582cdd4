"""What is remembered of images that are here."""

from datetime import UTC, datetime
from pathlib import Path

from silo import engine
from silo.engine import images

NOON = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_images_that_were_wanted_last_are_remembered(tmp_path: Path) -> None:
    kept = images.Images(None, None, tmp_path, None)  # type: ignore[arg-type]
    image = engine.Image("app", "sha256:0", "chain")
    for number in range(images._MOST_READY):
        kept._keep_ready(f"sha256:{number}", image, NOON)
    kept._keep_ready("sha256:0", image, NOON)
    kept._keep_ready("sha256:new", image, NOON)

    assert len(kept._ready) == images._MOST_READY
    assert {"sha256:0", "sha256:new"} < kept._ready.keys()
    assert "sha256:1" not in kept._ready
