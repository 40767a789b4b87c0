"""Asks the task cluster to price new models."""

import logging

from django.db import Error

from cpa_usage.queueing import queue_once

log = logging.getLogger(__name__)

PRICE_MODELS = "pricing.tasks.price_models"


def queue_pricing():
    """Ask the task cluster to price new models now; a database that is away costs them minutes, no more."""
    try:
        queue_once(PRICE_MODELS)
    except Error as error:
        log.warning("New models are priced at the next look, every ten minutes: %s", str(error).strip().split("\n")[0])
