"""What a log line holds."""
import re

from mmengine.runner import LogProcessor

from ...registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class ShortLogProcessor(LogProcessor):
    """mmengine's ``LogProcessor``, whose line after an evaluation leaves out results by joint, ``.../joint/...``.

    They stay in the JSON file of the log and wherever else scalars go.
    """

    def get_log_after_epoch(self, *args, **kwargs) -> tuple[dict, str]:
        """Results by name, and the line."""
        tag, line = super().get_log_after_epoch(*args, **kwargs)
        return tag, re.sub(r'\S+/joint/\S+: \S+\s*', '', line)
