"""A market to trade against without a venue: recorded or generated events, and an engine that matches orders."""
