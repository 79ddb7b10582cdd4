import configparser
from dataclasses import replace
from pathlib import Path

import pytest

from silo import settings
from silo.cli import environment


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SILO_AZURE_CONFIG_DIR", raising=False)
    found = settings.Settings(tmp_path, id="abc", port=8443)
    return replace(found, proxy_port=8888, azure_proxy_port=8889)


def test_the_environment_leads_tools_through_the_proxy_with_the_ca(instance):
    variables = environment.build_environment(instance, azure_names=False)

    assert variables["HTTPS_PROXY"] == "http://127.0.0.1:8888"
    assert variables["SSL_CERT_FILE"] == variables["REQUESTS_CA_BUNDLE"] == str(instance.bundle)
    assert variables["AZURE_CORE_INSTANCE_DISCOVERY"] == "false"


def test_az_finds_the_cloud_registered(instance):
    folder = environment.build_environment(instance, azure_names=False)["AZURE_CONFIG_DIR"]
    clouds = configparser.RawConfigParser()
    clouds.read(f"{folder}/clouds.config")

    assert clouds["Silo"]["endpoint_resource_manager"] == "https://management.silo.localhost:8443/"
    assert clouds["Silo"]["endpoint_portal"] == "https://management.silo.localhost:8443"
    assert clouds["Silo"]["suffix_acr_login_server_endpoint"] == ".azurecr.silo.localhost:8443"


def test_what_the_user_changed_in_az_is_kept(instance):
    folder = environment.build_environment(instance, azure_names=False)["AZURE_CONFIG_DIR"]
    config = Path(folder, "config")
    with config.open("a") as file:
        file.write("[core]\noutput = table\n")

    environment.build_environment(instance, azure_names=False)

    parser = configparser.RawConfigParser()
    parser.read(config)
    assert parser["core"]["output"] == "table"


def test_azures_names_need_another_proxy_and_no_configuration(instance):
    variables = environment.build_environment(instance, azure_names=True)

    assert variables["HTTPS_PROXY"] == "http://127.0.0.1:8889"
    assert "AZURE_CORE_INSTANCE_DISCOVERY" not in variables
    assert not list((instance.state / "config/silo/abc/azure-names").iterdir())
