#!/usr/bin/env bash
# Install, show what a model of the package does, train the Level-wise ViT on the embedded sample of real motion, and
# compare it with simple baselines.
# Takes about ten minutes on two CPU cores and needs no network after pip. Results go to ./work_dirs/quickstart, 0.2 GB;
# while the Level-wise ViT trains it is 1.1 GB. Training that was interrupted goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
install_mmegopose .
out=work_dirs/quickstart
echo "A model that comes with the package, lifter: a person who crawls over boxes, from 2D poses"
mkdir -p "$out"
python tools/test.py lifter --work-dir "$out/shipped" --show-dir "$out/shipped" \
  > "$out/shipped.log" 2>&1 || { tail -n 20 "$out/shipped.log"; exit 1; }
echo "  $PWD/$out/shipped/*.png: predicted (colour) and true (grey) skeletons"
train() {  # $1: name, $2: config, $3: iterations
  [ ! -f "$out/$1/trained_$3" ] || return 0  # what is left of it holds weights alone, from which nothing resumes
  echo "Training $1: $3 iterations"
  mkdir -p "$out/$1"
  python tools/train.py "$2" --work-dir "$out/$1" --resume --cfg-options "train_cfg.max_iters=$3" \
    train_cfg.val_interval=40 default_hooks.checkpoint.interval=40 default_hooks.checkpoint.max_keep_ckpts=1 \
    default_hooks.checkpoint.weights_only_at_end=True train_dataloader.batch_size=32 \
    2>&1 | tee "$out/$1/console.log" |
    sed -un 's/.*\(Iter(train) \[[^]]*\]\).*eta: \([0-9:]*\).* loss: \([0-9.]*\).*/  \1  loss \3 m  \2 left/p' ||
    { tail -n 20 "$out/$1/console.log"; exit 1; }
  touch "$out/$1/trained_$3"
}
train coarse configs/head_pose/levelwise_vit_coarse_only.py 400
train levelwise configs/levelwise_vit.py 160
echo "Evaluating"
python tools/analysis_tools/compare.py --out "$out" "coarse branch alone=configs/head_pose/levelwise_vit_coarse_only.py=$out/coarse" \
  "Level-wise ViT=configs/levelwise_vit.py=$out/levelwise" 2> "$out/compare.log" || { tail -n 20 "$out/compare.log"; exit 1; }
cat <<END

Written to $PWD/$out:
  shipped/*.png                    3D poses by the model lifter, which comes with the package
  training.png                     training curves
  poses/Level-wise_ViT/*.png       predicted (colour) and true (grey) skeletons
  table.md, results.json           the table above, and every metric
  levelwise/iter_160.pth           the checkpoint
Next: $(command -v mmegopose || echo mmegopose) train mmegopose::levelwise_vit.py --cfg-options data_root=/path/to/egoexo4d
END
