"""``az login`` as people do it: a code typed into a page, and a browser that comes back."""

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tools.azure import Az
from tools.instance import Instance
from tools.strangers import az_path, find_command, kubelogin_path

pytestmark = pytest.mark.filterwarnings("default")
WAIT_S = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium; names under localhost lead to this machine by themselves."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_command("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # Chromium keeps authorities of its own; that Silo's is a good one, every other stranger shows.
    context = browser.new_context(ignore_https_errors=True, java_script_enabled=False)
    yield context.new_page()
    context.close()


@contextmanager
def az_waiting(az: Az, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run az, which waits for somebody at a page."""
    environment = {**az.environment, "AZURE_CORE_ONLY_SHOW_ERRORS": "no", **variables}
    with waiting([str(az_path()), *words], environment) as process:
        yield process


@contextmanager
def waiting(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a program that waits for somebody at a page."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_code(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the address and the code that az prints."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"(https://\S+).* the code (\S+)", line):
            return found[1], found[2]
    raise AssertionError(f"az told no code: {said}")


def sign_in(page: Page, silo: Instance, password: str = "") -> None:
    """Fill the sign-in page in."""
    person = silo.credentials["administrator"]
    page.get_by_label("User name").fill(person["userPrincipalName"])
    page.get_by_label("Password").fill(password or person["password"])
    page.get_by_role("button", name="Sign in").click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_az_signs_in_by_device_code(silo: Instance, new_az: Callable[[], Az], page: Page) -> None:
    az = new_az()
    with az_waiting(az, "login", "--use-device-code", "--tenant", silo.tenant) as process:
        address, code = read_code(process)
        page.goto(address)
        page.get_by_label("Code").fill(code.lower())
        press(page, "Next")
        sign_in(page, silo)
        expect(page.get_by_text(code).first).to_be_visible()
        press(page, "Continue")

        assert process.wait(WAIT_S) == 0
    name = silo.credentials["administrator"]["userPrincipalName"]
    assert az("account", "show")["user"]["name"] == name
    assert az("group", "list") is not None
    assert az("ad", "signed-in-user", "show")["userPrincipalName"] == name


def test_kubelogin_signs_in_by_device_code(silo: Instance, page: Page, tmp_path: Path) -> None:
    environment = silo.environment(tmp_path / "names", azure_names=True)
    server, client = "6dae42f8-4368-4678-94ff-3960e28e3630", "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
    ids = ["--tenant-id", silo.tenant, "--server-id", server, "--client-id", client]
    # What a kubeconfig of an Entra cluster asks for.
    login = ["get-token", "--login", "devicecode", "--environment", "AzurePublicCloud"]
    words = [str(kubelogin_path()), *login, *ids, "--cache-dir", str(tmp_path / "cache")]
    with waiting(words, environment) as process:
        address, code = read_code(process)
        # The browser has no proxy; the page is the same by Silo's own name.
        page.goto(silo.endpoints["login"] + urlsplit(address).path)
        page.get_by_label("Code").fill(code)
        press(page, "Next")
        sign_in(page, silo)
        press(page, "Continue")

        said, _ = process.communicate(timeout=WAIT_S)
    token = json.loads(said)["status"]["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert claims["aud"] == server
    assert claims["upn"] == silo.credentials["administrator"]["userPrincipalName"]


def test_a_declined_code_signs_nobody_in(
    silo: Instance, new_az: Callable[[], Az], page: Page
) -> None:
    with az_waiting(new_az(), "login", "--use-device-code", "--tenant", silo.tenant) as process:
        address, code = read_code(process)
        page.goto(address)
        page.get_by_label("Code").fill(code)
        press(page, "Next")
        sign_in(page, silo)
        press(page, "Cancel")

        assert process.wait(WAIT_S) != 0


def test_a_made_up_code_is_told_so(silo: Instance, new_az: Callable[[], Az], page: Page) -> None:
    with az_waiting(new_az(), "login", "--use-device-code", "--tenant", silo.tenant) as process:
        page.goto(read_code(process)[0])
        page.get_by_label("Code").fill("AAAAAAAAA")
        press(page, "Next")

        expect(page.get_by_role("alert")).to_be_visible()


@pytest.fixture
def gui(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose browser writes down where it was sent."""
    script = tmp_path / "browser"
    script.write_text(
        f'#!/bin/sh\nprintf "%s" "$1" > {tmp_path}/part\nmv {tmp_path}/part {tmp_path}/url\n'
    )
    script.chmod(0o755)
    return {"DISPLAY": ":99", "BROWSER": str(script)}


def wait_for_address(folder: Path, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "url").exists():
            return (folder / "url").read_text()
        time.sleep(0.05)
    raise AssertionError(f"az opened no browser: {process.communicate(timeout=5)}")


def test_az_signs_in_by_a_browser(
    silo: Instance, new_az: Callable[[], Az], page: Page, tmp_path: Path, gui: dict[str, str]
) -> None:
    az = new_az()
    with az_waiting(az, "login", "--tenant", silo.tenant, **gui) as process:
        page.goto(wait_for_address(tmp_path, process))
        sign_in(page, silo)
        press(page, "Continue")

        assert process.wait(WAIT_S) == 0
    name = silo.credentials["administrator"]["userPrincipalName"]
    assert az("account", "show")["user"] == {"name": name, "type": "user"}
    assert az("acr", "list") is not None


def test_a_wrong_password_stays_on_the_page_and_says_why(
    silo: Instance, new_az: Callable[[], Az], page: Page, tmp_path: Path, gui: dict[str, str]
) -> None:
    with az_waiting(new_az(), "login", "--tenant", silo.tenant, **gui) as process:
        page.goto(wait_for_address(tmp_path, process))
        sign_in(page, silo, "wrong")

        expect(page.get_by_role("alert")).to_be_visible()
        assert process.poll() is None


def test_a_redirect_that_the_client_never_registered_is_not_followed(
    silo: Instance, new_az: Callable[[], Az], page: Page, tmp_path: Path, gui: dict[str, str]
) -> None:
    with az_waiting(new_az(), "login", "--tenant", silo.tenant, **gui) as process:
        address = wait_for_address(tmp_path, process)
        evil = re.sub(r"redirect_uri=[^&]*", "redirect_uri=https%3A%2F%2Fevil.example", address)

        answer = page.goto(evil)

        assert answer is not None
        assert answer.status == 400
        assert page.locator("input[type=password]").count() == 0
