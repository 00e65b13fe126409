"""Halt requests where no topic is configured: a structured log line each, for a human to act on."""

from marketmaker.ports import HaltRequest, Telemetry


class RecordedHaltRequests:
    """Writes halt requests to the log."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def request(self, request: HaltRequest) -> None:
        """Record one request."""
        fields = {"account": request.account, "reason": request.reason, "requested_by": request.requested_by}
        self._telemetry.record("halt_requested", fields)
