"""The batched data sample that travels from reader to metric."""
from mmengine.structures import BaseDataElement


class PoseDataSample(BaseDataElement):
    """Targets and predictions of one batch of windows.

    Fields (all tensors): ``joints (B,T,J,3)`` in the target frame, ``visible (B,T,J)`` bool,
    ``T_world_target (B,T,4,4)`` (absent where there is no world frame), ``frame_ids (B,T)`` frame numbers in the take,
    ``slots (B,T)`` numbers of the predictions of a take, -1 where none counts (only where a frame may be predicted more
    than once), ``take (B,)`` index of the take, ``scored (B,T)`` bool, frames for which this window's prediction
    counts, and after prediction ``pred_joints (B,T,J,3)`` in the target frame; whatever else a model estimates is
    ``pred_...`` too. Fields ``(B,)`` belong to a window, all others ``(B,T,...)`` to its frames.
    """

    def last_frames(self, num_frames: int) -> 'PoseDataSample':
        """The same sample cut to its last ``num_frames`` frames; per-window fields are kept."""
        out = self.new()
        for key, value in self.items():
            if value.ndim > 1:
                out.set_field(value[:, -num_frames:], key)
        return out

    def pin_memory(self) -> 'PoseDataSample':
        out = self.new()
        for key, value in out.items():
            out.set_field(value.pin_memory(), key)
        return out
