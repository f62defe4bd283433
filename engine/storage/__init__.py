"""What is kept: the home folder, its database, checkpoints, agent folders, data sets, exports. Nothing here learns."""
