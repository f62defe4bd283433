"""Between the screens and the terminal: which cells changed, how fast the line takes them, and how it all ends."""
