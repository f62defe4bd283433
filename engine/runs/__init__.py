"""What works in the background: jobs in threads, runs, many seeds in processes."""
