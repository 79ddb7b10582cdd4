"""What clients read before they sign in: discovery, keys, user realm (azure-wire 2.0, 2.1).

az keeps these answers on disk for a day: the URLs in them never move.
"""

from typing import Any
from urllib.parse import urlsplit

from silo import front

from .issuer import Issuer
from .tokens import render_issuer

_SCOPES = ["openid", "profile", "email", "offline_access"]


def describe_issuer(issuer: Issuer, urls: front.Urls, tenant: str, version: int) -> dict[str, Any]:
    """Return the OpenID discovery document.

    ``tenant`` is as asked: the endpoints keep it, while ``issuer`` names the tenant's id, which az
    takes as the tenant (its fourth piece between slashes).
    """
    root = f"{urls.login}/{tenant}"
    path = "oauth2/v2.0" if version != 1 else "oauth2"
    keys = "discovery/v2.0/keys" if version != 1 else "discovery/keys"
    return {
        "token_endpoint": f"{root}/{path}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{root}/{keys}",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": _SCOPES,
        "issuer": render_issuer(issuer.tenant, urls, version),
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{root}/{path}/authorize",
        "device_authorization_endpoint": f"{root}/{path}/devicecode",
        "end_session_endpoint": f"{root}/{path}/logout",
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "ver",
            "oid",
        ],
        "cloud_instance_name": urlsplit(urls.login).hostname,
        "msgraph_host": urlsplit(urls.graph).netloc,
        "tenant_region_scope": None,
    }


def describe_instance(urls: front.Urls, authorization_endpoint: str) -> dict[str, Any] | None:
    """Return instance discovery for an authority of this family of names, or None."""
    try:
        host = urlsplit(authorization_endpoint).netloc.casefold()
    except ValueError:
        return None
    own = urlsplit(urls.login).netloc.casefold()
    aliases = (
        ["login.microsoftonline.com", "login.windows.net", "sts.windows.net"]
        if urls.family == "azure"
        else [own]
    )
    if host not in aliases:
        return None
    return {
        "tenant_discovery_endpoint": f"{urls.login}/common/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": aliases[0],
                # Entra's choice; MSAL files its cache under it.
                "preferred_cache": "login.windows.net" if urls.family == "azure" else own,
                "aliases": aliases,
            }
        ],
    }


def describe_realm(issuer: Issuer, urls: front.Urls, upn: str) -> dict[str, Any]:
    """Return how a domain signs in; says nothing about whether the account exists."""
    domain = upn.rpartition("@")[2].casefold()
    known = domain == issuer.tenant.domain
    answer = {
        "ver": "1.0",
        "account_type": "Managed" if known else "Unknown",
        "domain_name": domain[:256],
        "cloud_instance_name": urlsplit(urls.login).hostname,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    return answer if known else answer | {"domain_name": ""}
