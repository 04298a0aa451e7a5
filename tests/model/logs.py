"""The containers' last words, as CloudWatch Logs gives them."""

from typing import Any

from tests.model.ecs import LAST_WORDS


class Logs:
    """One log group, in which every stream ends alike."""

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"timestamp": 0, "message": LAST_WORDS}]}

    def filter_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"timestamp": 0, "message": LAST_WORDS}]}
