"""The grammar of ARM: ids, verbs, api-versions, etags, long-running operations, errors.

No resource type in it.
"""
