"""Scores by others' packages: `python other_software.py ARRAYS.npz` prints them as JSON.

A program of its own: PyTorch and TensorFlow bring an LLVM each, and may abort in one process.
"""

import json
import sys

import numpy as np
import prdc
import torch
from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc


def main() -> None:
    """Prints what `prdc` and `torch-fidelity` find of the arrays real, fake and logits."""
    arrays = np.load(sys.argv[1])
    real, fake, logits = (torch.from_numpy(arrays[name]) for name in ("real", "fake", "logits"))
    moments = [metric_fid.fid_features_to_statistics(x) for x in (real, fake)]
    count = min(len(real), len(fake))
    # A subset of all: which rows are drawn does not matter.
    kid = metric_kid.kid_features_to_metric(
        real[:count], fake[:count], kid_subsets=1, kid_subset_size=count, verbose=False
    )
    isc = metric_isc.isc_features_to_metric(logits, splits=10, shuffle=False)
    found = {
        "fid": metric_fid.fid_statistics_to_metric(*moments, verbose=False),
        "kid": kid,
        "isc": isc,
        "prc": {},
        "prdc": {},
    }
    for k in (3, 5):
        prc = metric_prc.prc_features_to_metric(fake, real, prc_neighborhood=k, verbose=False)
        found["prc"][k] = {name: float(value) for name, value in prc.items()}
        found["prdc"][k] = prdc.compute_prdc(arrays["real"], arrays["fake"], nearest_k=k)
    print("RESULT", json.dumps(found, default=float))


if __name__ == "__main__":
    main()
