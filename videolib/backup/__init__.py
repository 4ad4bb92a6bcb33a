"""The library in another place, and back from there: what a backup keeps, proof that it is whole, restoring it."""
