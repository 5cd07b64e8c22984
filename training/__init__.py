"""Events, propensities, labels, learners, gates and the model registry."""
