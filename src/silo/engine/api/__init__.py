"""Messages and services of containerd/api v1.12.0 and cgroups v3.1.3 (Apache-2.0), generated.

Written by tools/engine_api.py; whatever is changed here by hand is lost at the next run.
"""
