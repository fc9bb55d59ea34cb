"""Classifiers from trained networks, compared with classifiers from none."""

# What is compared, by the name that tables show.
ARMS = {
    "pretrained": "pretrained",
    "random": "random init",
    "probe": "probe",
    "random_probe": "probe of random",
}
