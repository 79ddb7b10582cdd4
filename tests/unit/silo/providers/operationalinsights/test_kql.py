from datetime import timedelta

import pytest

from silo.providers.operationalinsights import kql
from silo.providers.operationalinsights.query_errors import SyntaxRefused


def where(text: str) -> kql.Condition:
    (operator,) = kql.parse_query(f"T | where {text}").operators
    assert isinstance(operator, kql.Where)
    return operator.condition


def test_operators_come_in_the_order_they_were_written() -> None:
    query = kql.parse_query(
        'ContainerInstanceLog_CL\n| where ContainerGroup_s == "g" // the one\n'
        "| order by TimeGenerated asc, Message\n| project Message, At=TimeGenerated | limit 5;"
    )

    assert query.table == "ContainerInstanceLog_CL"
    assert query.operators == (
        kql.Where(kql.Compare("ContainerGroup_s", "==", "g")),
        kql.Order((("TimeGenerated", True), ("Message", False))),
        kql.Project((("Message", "Message"), ("At", "TimeGenerated"))),
        kql.Take(5),
    )


def test_and_binds_closer_than_or() -> None:
    a, b, c = (kql.Compare(name, "==", 1) for name in "abc")

    assert where("a == 1 or b == 1 and c == 1") == kql.Junction(
        False, (a, kql.Junction(True, (b, c)))
    )
    assert where("(a == 1 or b == 1) and not(c == 1)") == kql.Junction(
        True, (kql.Junction(False, (a, b)), kql.Negation(c))
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\"b\\n"', 'a"b\n'),
        ("'it'", "it"),
        ('@"c:\\d"', "c:\\d"),
        ("17", 17),
        ("1.5", 1.5),
        ("1.5h", timedelta(minutes=90)),
        ("ago(30m)", kql.Ago(timedelta(minutes=30))),
        ("now()", kql.Ago(timedelta())),
    ],
)
def test_values_are_read(text: str, value: kql.Value) -> None:
    assert where(f"a == {text}") == kql.Compare("a", "==", value)


def test_counts_are_named_and_bucketed() -> None:
    query = kql.parse_query("T | summarize n=count() by bin(TimeGenerated, 5m), ContainerName_s")

    assert query.operators == (
        kql.Summarize(
            "n",
            (
                kql.Bucket("TimeGenerated", "TimeGenerated", timedelta(minutes=5)),
                kql.Bucket("ContainerName_s", "ContainerName_s"),
            ),
        ),
    )


def test_top_is_order_and_take() -> None:
    assert kql.parse_query("T | top 3 by a").operators == (
        kql.Order((("a", False),)),
        kql.Take(3),
    )


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("T | join (U) on x", "join"),
        ("T | wherex == 1", "wherex"),
        ("T | extend a = 1", "extend"),
        ("T | where a == ago(1x)", "1x)"),
        ("T | summarize sum(a)", "(a)"),
        ("let x = 1; T", "x"),
        ("T | take -1", "-1"),
    ],
)
def test_what_is_not_understood_is_refused_at_its_place(text: str, token: str) -> None:
    with pytest.raises(SyntaxRefused) as refused:
        kql.parse_query(text)

    assert refused.value.inner is not None
    told = refused.value.inner["innererror"]
    assert (told["code"], told["token"]) == ("SYN0002", token)
    assert told["pos"] == text.index(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T |",
        "T | where a == 'x",
        "T | where a == ago(999999999999d)",
        'T | where a == "\\q"',
        "T | take 99999999999999999999999",
        "T | where " + "(" * 200 + "a == 1" + ")" * 200,
        "T" + " | take 1" * 60,
        "T" * 30_000,
        "T | summarize count() by bin(a, 0m)",
        "T | where a > datetime(2026-13-45)",
    ],
)
def test_nonsense_is_refused_and_never_breaks(text: str) -> None:
    with pytest.raises(SyntaxRefused):
        kql.parse_query(text)
