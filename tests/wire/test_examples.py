"""Every file in examples/ works, so nobody is sent down a road that ends."""

import sys
from pathlib import Path

import pytest
from tools import images, programs
from tools.azure import Az
from tools.strangers import az_path

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in {".sh", ".py"})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_to_its_end(path: Path, az: Az, tmp_path: Path) -> None:
    image = images.make_image(tmp_path / "image", "1")
    search = f"{az_path().parent}:{az.environment['PATH']}"
    shell = [sys.executable] if path.suffix == ".py" else ["sh"]

    outcome = programs.run([*shell, path, image.reference], {**az.environment, "PATH": search})

    programs.succeed(outcome)


def test_the_list_of_examples_is_whole() -> None:
    told = (ROOT / "examples" / "README.md").read_text()

    assert [path.name for path in EXAMPLES if f"`{path.name}`" not in told] == []
