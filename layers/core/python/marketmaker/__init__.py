"""A crypto market maker as scheduled serverless functions."""
