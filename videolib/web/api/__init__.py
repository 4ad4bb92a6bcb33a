"""`/api/v1`: the catalogue for programs."""
