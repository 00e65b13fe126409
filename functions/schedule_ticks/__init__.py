"""Put the next minute's ticks into the queues."""
