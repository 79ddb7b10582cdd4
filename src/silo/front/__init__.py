"""The front door: host names, certificates, the CONNECT proxy, DNS.

Knows no API behind the doors.
"""

from .context import RequestContext as RequestContext
from .context import get_context as get_context
from .names import AZURE_URLS as AZURE_URLS
from .names import Door as Door
from .names import Names as Names
from .names import Place as Place
from .names import Urls as Urls
