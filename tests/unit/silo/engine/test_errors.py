from silo.engine.errors import shorten


def test_what_really_went_wrong_comes_last():
    text = (
        "failed to create shim task: OCI runtime create failed: runc create failed: "
        'unable to start container process: exec: "/x": no such file or directory: unknown'
    )

    assert shorten(text) == 'exec: "/x": no such file or directory'
