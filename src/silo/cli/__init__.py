"""The silo command: every verb is an HTTP call that a stranger could make."""
