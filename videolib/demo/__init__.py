"""The demo library: recordings that the project makes itself, so that nobody's pictures are needed to show it."""
