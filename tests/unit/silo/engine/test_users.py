import pytest

from silo.engine import Image
from silo.engine.errors import ContainerRefused
from silo.engine.users import User, find_user

PASSWD = "root:x:0:0::/:/bin/sh\nbroken:x:y:z\napp:x:1000:1001::/:/bin/sh\n::\n"
GROUPS = "root:x:0:\napp:x:1001:\nextra:x:1002:app,other\nhuge:x:99999999:app\n"


def image(user):
    return Image("a", "b", "c", user=user, passwd=PASSWD, groups=GROUPS)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", User(0, 0)),
        ("app", User(1000, 1001, (1002,))),
        ("1000", User(1000, 1001, (1002,))),
        ("app:extra", User(1000, 1002)),
        ("7:8", User(7, 8)),
        ("7", User(7, 0)),
    ],
)
def test_names_are_looked_up_in_the_image(user, expected):
    assert find_user(image(user), None, None) == expected


def test_the_plan_wins_over_the_image():
    assert find_user(image("app"), 5, 6) == User(5, 6)


@pytest.mark.parametrize("user", ["nobody-here", "app:no-group", "70000", "1:70000", "broken"])
def test_who_is_not_there_is_refused(user):
    with pytest.raises(ContainerRefused):
        find_user(image(user), None, None)
