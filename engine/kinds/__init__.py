"""The lab's own kinds of learner, one entry a file; `engine.learners.kinds` is the registry that they stand in."""
