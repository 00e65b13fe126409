"""Alerts where no topic is configured: a structured log line each."""

from marketmaker.ports import Alert, Telemetry


class RecordedAlerts:
    """Writes alerts to the log."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def send(self, alert: Alert) -> None:
        """Record one alert."""
        fields = {"account": alert.account, "kind": alert.kind, "severity": alert.severity, "symbol": alert.symbol}
        self._telemetry.record("alert", {**fields, "text": alert.text})
