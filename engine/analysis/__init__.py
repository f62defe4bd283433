"""What is made of results: findings, statistics, grades."""
