"""An S3 server in memory, for the tests: s3-double.py PORT"""

import sys
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import SigV4Auth
from moto.server import main


def canonical_query(_, request):
    """The query as it must be signed. What moto has here takes over how the client has written it."""
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    return "&".join(sorted("=".join(quote(part, safe="-_.~") for part in pair) for pair in pairs))


SigV4Auth.canonical_query_string = canonical_query
main(["--host", "127.0.0.1", "--port", sys.argv[1]])
