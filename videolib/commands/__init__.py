"""The commands of `videolib`, one file a group."""
