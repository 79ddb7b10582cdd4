import os

from silo.engine.accounts import read_file


def layer(folder, text=None):
    (folder / "etc").mkdir(parents=True)
    if text is not None:
        (folder / "etc" / "passwd").write_text(text)
    return folder


def test_the_uppermost_layer_wins(tmp_path):
    layers = [tmp_path / "none", layer(tmp_path / "b", "b"), layer(tmp_path / "a", "a")]
    layers[0].mkdir()

    assert read_file(layers, "etc", "passwd") == "b"


def test_links_are_not_followed_out_of_the_image(tmp_path):
    first = layer(tmp_path / "a")
    (first / "etc" / "passwd").symlink_to("/etc/passwd")
    second = tmp_path / "b"
    second.mkdir()
    (second / "etc").symlink_to("/etc")

    assert read_file([first], "etc", "passwd") == ""
    assert read_file([second], "etc", "passwd") == ""


def test_what_is_no_file_is_not_read(tmp_path):
    folder = layer(tmp_path / "a")
    os.mkfifo(folder / "etc" / "passwd")

    assert read_file([folder], "etc", "passwd") == ""


def test_a_huge_file_is_read_in_part(tmp_path):
    assert len(read_file([layer(tmp_path / "a", "x" * 2_000_000)], "etc", "passwd")) == 1024 * 1024
