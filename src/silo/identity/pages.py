"""The pages people see: rendered from templates, without a script, framed by nobody, never cached.

``response_mode=form_post`` (MSAL insists on it) ends on a page with a button, because a form that
sends itself needs a script.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from .responses import NO_STORE

_templates = Environment(
    loader=PackageLoader("silo.identity"), autoescape=True, undefined=StrictUndefined
)
_STYLE = PackageLoader("silo.identity").get_source(_templates, "style.css")[0]
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def render_page(
    template: str,
    *,
    tenant: str,
    error: str = "",
    status: int = 200,
    destinations: Sequence[str] = (),
    **context: Any,
) -> HTMLResponse:
    """Return a page; ``destinations`` are URLs its forms may end at besides this door."""
    html = _templates.get_template(template).render(
        # Ours, not a stranger's: the only text that is not escaped.
        style=Markup(_STYLE),  # noqa: S704
        tenant=tenant,
        error=error,
        **context,
    )
    # Browsers hold redirects after a form to form-action too, so it names the application.
    actions = " ".join(["'self'", *(_find_source(url) for url in destinations)])
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {actions}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = NO_STORE | {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: that would make browsers send "Origin: null" with our own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return HTMLResponse(html, status_code=status, headers=headers)


def _find_source(url: str) -> str:
    """Return the CSP source that covers a URL; the grammar knows no IPv6 and no custom hosts."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or ":" in (parts.hostname or ":"):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"
