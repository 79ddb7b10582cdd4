"""The OCI distribution API and the content store. Knows no ARM."""
