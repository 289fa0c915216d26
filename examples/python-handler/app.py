"""Prices an order that comes through a function URL: {"apple": 3, "pear": 2} -> {"items": 5, "total": 2.50}"""

import json
import logging
from decimal import Decimal

log = logging.getLogger()
log.setLevel(logging.INFO)

# Done once, before the first event is asked for.
PRICES = {"apple": Decimal("0.40"), "pear": Decimal("0.65"), "quince": Decimal("1.20")}


def handler(event, context):
    order = json.loads(event["body"])
    log.info("%s has %d ms for %s", context.function_name, context.get_remaining_time_in_millis(), order)
    return {
        "items": sum(order.values()),
        "total": sum(PRICES[item] * count for item, count in order.items()),
    }
