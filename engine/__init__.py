"""Everything that learns: configs, networks, the two learners, evaluation, runs and the store. Nothing here draws.

Importing this package does not import torch; the modules that need it import it themselves.
"""
