"""Run the local exchange: `python -m infra.local.exchange --port 8080`."""

import sys

from infra.local.exchange.building import build_venue
from infra.local.exchange.clock import wall_us
from infra.local.exchange.options import parse_options
from infra.local.exchange.server import LocalServer, serve


def main() -> int:
    """Serve until SIGTERM or SIGINT; what cannot be used is said in one line."""
    options = parse_options()
    try:
        venue, note = build_venue(options, wall_us)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2

    def announce(_server: LocalServer, address: str) -> None:
        sys.stderr.write(f"{note}\n")
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()

    try:
        serve(venue, port=options.port, on_ready=announce)
    except OSError as error:
        sys.stderr.write(f"error: port {options.port} cannot be used: {error.strerror}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
