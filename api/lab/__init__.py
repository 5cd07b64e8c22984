"""The lab at `/lab`: runs, experiments, models and learning, for those who tune the shop."""

from api.lab.jobs import Jobs
from api.lab.routes import lab_routes, open_jobs

__all__ = ["Jobs", "lab_routes", "open_jobs"]
