"""Judging a cluster of Silo's by upstream's own end-to-end tests."""
