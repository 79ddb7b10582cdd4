from pathlib import Path

from tools.azure_operations import list_operations

MODULE = """
def build_get_request(name, **kwargs):
    _url = kwargs.pop("template_url", "/subscriptions/{id}/providers/Microsoft.Management/x/{name}")
    return HttpRequest(method="GET", url=_url)

def build_put_request(name, **kwargs):
    _url = "/subscriptions/{other}/providers/Microsoft.Management/X/{other}/"
    return HttpRequest(method="GET", url=_url)

def build_alert_request(**kwargs):
    _url = "/providers/Microsoft.Insights/alerts"
    return HttpRequest(method="GET", url=_url)

def build_log_request(**kwargs):
    _url = "/providers/Microsoft.Insights/eventtypes/management/values"
    return HttpRequest(method="GET", url=_url)

def build_network_request(**kwargs):
    _url = "/subscriptions/{id}/providers/Microsoft.Network/locations/{place}/serviceTags"
    return HttpRequest(method="GET", url=_url)

def build_backbone_request(**kwargs):
    _url = "/subscriptions/{id}/providers/Microsoft.Network/virtualNetworkGateways"
    return HttpRequest(method="GET", url=_url)

def build_machine_request(**kwargs):
    _url = "/subscriptions/{id}/providers/microsoft.Compute/virtualMachines"
    return HttpRequest(method="GET", url=_url)

def helper():
    _url = "/providers/Microsoft.Management/y"
"""


def test_requests_are_read_from_the_code_once_each(tmp_path: Path) -> None:
    (tmp_path / "aio").mkdir()
    (tmp_path / "aio" / "operations.py").write_text(MODULE.replace("GET", "PUT"))
    (tmp_path / "operations.py").write_text("\ufeff" + MODULE)

    assert list_operations(tmp_path) == [
        ("Microsoft.Insights", "GET", "/providers/Microsoft.Insights/eventtypes/management/values"),
        (
            "Microsoft.Management",
            "GET",
            "/subscriptions/{id}/providers/Microsoft.Management/x/{name}",
        ),
        (
            "Microsoft.Network",
            "GET",
            "/subscriptions/{id}/providers/Microsoft.Network/locations/{place}/serviceTags",
        ),
    ]
