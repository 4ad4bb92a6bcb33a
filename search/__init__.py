"""Plain documents in, ranked hits out: this room knows no SQL and no HTTP."""
