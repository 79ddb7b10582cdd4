"""What an operator may change about sign-in, with the units and the reasons."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Read once at start-up and handed to the issuer."""

    password_grant: bool = True
    """``az login -u -p``; off where every password must be typed into the sign-in page alone."""
    access_token_min_s: int = 3600
    access_token_max_s: int = 5399
    """Entra picks 60 to 90 minutes at random, so that not everything refreshes at once."""
    refresh_token_days: int = 90
    """Unused for so long, a refresh token dies; every use makes a new one."""
    refresh_reuse_grace_s: int = 60
    """A rotated refresh token still works for this long: two ``az`` commands share one cache and
    refresh at the same moment. Later reuse revokes the family."""
    authorization_code_s: int = 600
    device_code_s: int = 900
    device_code_interval_s: int = 1
    """How often a device may ask; ``az`` sleeps exactly this between asking."""
    session_s: int = 12 * 3600
    """How long a browser stays signed in: one working day."""
    account_failures: int = 10
    """Wrong passwords for one account from one address before it locks; Entra's number."""
    account_total_failures: int = 50
    """The same from all addresses together; higher, so that a stranger cannot lock a user out."""
    address_failures: int = 100
    """Wrong passwords from one address for any account."""
    lockout_s: int = 60
    """First lock-out; doubles with each further one up to ``lockout_max_s``."""
    lockout_max_s: int = 3600
    failure_window_s: int = 900
    """Failures older than this are forgotten."""
    password_threads: int = 2
    """argon2 checks at a time in one process; each takes 64 MiB."""
    password_queue: int = 32
    """Checks that may wait; beyond, the answer is 429."""
    federation_ca_bundle: str = ""
    """PEM file of further authorities trusted for the TLS of foreign token issuers."""
