"""The outside world behind the ports: venues, tables, secrets, topics, log lines. Vendor libraries stop here."""
