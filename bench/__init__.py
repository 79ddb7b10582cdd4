"""Measures Silo beside Debian's docker-registry: same machine, same disk, same data, one run.

``python -m bench`` writes ``bench/results/NAME.json`` and prints the table. The kill and
full-disk tests (``tests/system``) use the same instances and clients.
"""
