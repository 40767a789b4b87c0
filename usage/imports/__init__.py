"""What other programs counted becomes events and totals here, once, and can be taken back as a whole."""
