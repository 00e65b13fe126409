"""What the functions do, written against ports."""
