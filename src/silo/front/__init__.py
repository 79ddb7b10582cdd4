"""The front door: host names, certificates, the CONNECT proxy, DNS, the dispatcher.

Knows no API behind the doors.
"""

from .addresses import Ports as Ports
from .addresses import local_address as local_address
from .addresses import reachable_address as reachable_address
from .certificates import Certificates as Certificates
from .certificates import get_expiry as get_expiry
from .context import RequestContext as RequestContext
from .context import get_context as get_context
from .dispatcher import Dispatcher as Dispatcher
from .dns import DnsServer as DnsServer
from .names import AZURE_URLS as AZURE_URLS
from .names import Door as Door
from .names import Names as Names
from .names import Place as Place
from .names import Urls as Urls
from .proxy import Proxy as Proxy
