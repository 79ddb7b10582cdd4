"""Sign-in that looks like Entra ID: issuer, directory, Graph. Knows no Azure resource."""
