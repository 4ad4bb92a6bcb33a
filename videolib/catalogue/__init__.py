"""Tables of the library and the rules about them, one file a noun."""
