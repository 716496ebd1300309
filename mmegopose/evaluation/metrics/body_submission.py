"""Write the submission file of the Ego-Exo4D body pose challenge."""
from mmengine.logging import print_log

from ...registry import METRICS
from ...structures import mask_name
from ..submissions.egoexo4d_body_file import (
    read_submission,
    require_allowed,
    validate_submission,
    write_submission,
)
from ..submissions.submission_checks import raise_problems
from .sequence_metric import SequenceMetric


@METRICS.register_module()
class BodySubmission(SequenceMetric):
    """Writes the predictions of all sequences (takes), in world coordinates, as the challenge wants them.

    With a ``template`` the file has exactly its takes and frames, and is checked against it: what is wrong is raised as
    ``ValueError`` after the file was written, so that no prediction is lost. Of which streams the poses were made, is
    logged (one that was nowhere there is none), for the challenge wants to know; one that it forbids raises
    ``ValueError`` at the first batch.

    Args:
        out_file: path of the JSON file; its folder is made if need be.
        template: path of the challenge's template (``dummy_test.json``).
        prefix: see :class:`SequenceMetric`.
    """

    default_prefix = 'submission'

    def __init__(self, out_file: str, template: str | None = None, prefix: str | None = None):
        super().__init__(prefix)
        self.out_file = out_file
        self.template = read_submission(template) if template else None
        self.streams: set = set()

    def process(self, data_batch, data_samples) -> None:
        inputs = (data_batch or {}).get('inputs', {})
        require_allowed(set(inputs))
        masks = {name: mask_name(name) for name in inputs}
        self.streams |= {name for name, mask in masks.items() if name not in ('valid', *masks.values())
                         and (mask not in inputs or bool(inputs[mask].any()))}
        super().process(data_batch, data_samples)

    def score(self, sequence, pred, gt, visible, frame_ids) -> tuple:
        return sequence['uid'], sequence['root_dir'], frame_ids.tolist(), pred.numpy()

    def compute_metrics(self, results: list[tuple]) -> dict[str, int]:
        submission = {uid: dict(take_name=root_dir, body=dict(zip(map(str, frame_ids), pred)))
                      for uid, root_dir, frame_ids, pred in results}
        if self.template is not None:
            submission = {uid: dict(take_name=take['take_name'], body=_subset(submission[uid]['body'], take['body']))
                          for uid, take in self.template.items() if uid in submission}
        write_submission(submission, self.out_file)
        frames = sum(len(take['body']) for take in submission.values())
        print_log(f'Wrote {frames} poses of {len(submission)} takes to {self.out_file}, made of the streams '
                  f'{", ".join(sorted(self.streams)) or "that the model reads"}', logger='current')
        problems = validate_submission(submission, self.template) if self.template is not None else []
        if self.skipped:
            problems.insert(0, f'{len(self.skipped)} frames could not be read and have no pose')
        raise_problems(self.out_file, problems)
        return dict(takes=len(submission), frames=frames)


def _subset(body: dict, wanted: dict) -> dict:
    return {frame: body[frame] for frame in wanted if frame in body}
