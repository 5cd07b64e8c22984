"""The whole way from a log to a model that serves, safe to be killed and to be scheduled."""

from api.retraining.chain import Outcome, plan_of, retrain
from api.retraining.task import RetrainTask

__all__ = ["Outcome", "RetrainTask", "plan_of", "retrain"]
