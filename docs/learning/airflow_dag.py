"""Retrains a shop's ranking model every night, when its age or drift asks for it.

Put it into Airflow's folder of DAGs on a machine that sees the data directory: Airflow 3, or 2.8
with apache-airflow-providers-standard.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.standard.operators.bash import BashOperator

DATA = "/srv/shop/data"

with DAG(
    dag_id="aisle_retrain",
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,  # the log of the day decides, not the day of the schedule
    max_active_runs=1,
    default_args={
        "retries": 3,  # goes on with the step that failed
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
    },
) as dag:
    retrain = BashOperator(
        task_id="retrain",
        bash_command=f"aisle retrain --data {DATA} --if-drifted --if-older-than 7 --json",
        skip_on_exit_code=75,  # another retraining runs
        do_xcom_push=True,  # the last line: what became of it
    )
    drift = BashOperator(
        task_id="drift",
        bash_command=f"aisle drift --data {DATA} --json",
        trigger_rule="all_done",  # gauges of /metrics, whatever became of retraining
    )
    retrain >> drift
