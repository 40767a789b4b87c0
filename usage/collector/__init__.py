"""The drain: a thread that pops and spools, and a loop that stores what is spooled and reports."""
