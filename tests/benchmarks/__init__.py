"""Scripts that measure speed, memory and responsiveness; `make bench` runs them all and prints one table."""
