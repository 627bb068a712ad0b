"""A real S3 server on loopback for tests of the archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from fsspec import filesystem
from moto.server import ThreadedMotoServer

S3_OPTIONS = {"key": "test", "secret": "test"}


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """Run moto's S3 server with an empty bucket `archive`; give its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        host, bound = server.get_host_and_port()
        address = f"http://{host}:{bound}"
        # Servers of one process share what they hold.
        urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()  # noqa: S310 loopback
        options = {**S3_OPTIONS, "endpoint_url": address}
        filesystem("s3", **options, skip_instance_cache=True).mkdir("archive")
        yield address
    finally:
        server.stop()
