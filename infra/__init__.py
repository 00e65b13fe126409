"""The cloud stack and the local deployment of the same."""
