"""Output, events and measures of groups that run, as az asks for them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.test_monitor import query
from tools.azure import Az
from tools.instance import Instance
