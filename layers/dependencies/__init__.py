"""The layer with everything that the functions import from others, built from wheels and trimmed."""
