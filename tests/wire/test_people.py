"""``az login`` as people do it: a code typed into a page, and a browser that comes back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tools.instance import Instance
from tools.strangers import find_command

pytestmark = pytest.mark.filterwarnings("default")
WAIT_S = 60


@pytest.fixture(scope="module")
def browser(silo: Instance) -> Iterator[Browser]:
    """Start a headless Chromium that finds Silo as a browser on this machine does."""
    proxy = {"server": silo.endpoints["proxy"], "bypass": "localhost,127.0.0.1"}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_command("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--proxy-bypass-list=<-loopback>"],
            proxy={"server": proxy["server"]},
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # The certificate is proved by every other stranger; Chromium keeps authorities of its own.
    context = browser.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()
