"""A recording in, a stored HLS package out; the only room that runs media tools; knows no HTTP."""
