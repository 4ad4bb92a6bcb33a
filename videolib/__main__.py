"""`python -m videolib`: the command line."""

from videolib.cli import main

main(prog_name="videolib")
