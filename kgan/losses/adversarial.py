"""Both players' losses, one value an example.

Every function takes `(real_logits, fake_logits)`, each `(batch,)`, unbounded, and returns
`(batch,)` to be averaged and minimised. With logits l, log D = -softplus(-l) and
log(1 - D) = -softplus(l).
"""

from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any  # of Keras's backend


def minimax_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-[log D(x) + log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1)."""
    return ops.softplus(-real_logits) + ops.softplus(fake_logits)


def minimax_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """log(1 - D(G(z))): saturates where samples are bad (Goodfellow et al. 2014, equation 1)."""
    return -ops.softplus(fake_logits)


def non_saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(G(z)): the same fixed point, a strong gradient early (Goodfellow et al. 2014, 3)."""
    return ops.softplus(-fake_logits)


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """[(D(x) - 1)^2 + D(G(z))^2] / 2 (Mao et al. 2017, equation 9, the 0-1 coding)."""
    return 0.5 * (ops.square(real_logits - 1) + ops.square(fake_logits))


def least_squares_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return 0.5 * ops.square(fake_logits - 1)


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))) (Lim and Ye 2017; Miyato et al. 2018, eq. 16)."""
    return ops.relu(1 - real_logits) + ops.relu(1 + fake_logits)


def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """D(G(z)) - D(x), the critic's dual estimate (Arjovsky et al. 2017, equation 2)."""
    return fake_logits - real_logits


def wasserstein_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-D(G(z)), shared with the hinge loss (Arjovsky et al. 2017; Miyato et al. 2018, eq. 17)."""
    return -fake_logits


def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """softplus(-(D(x) - D(G(z)))), paired in the batch (Huang et al. 2024, section 2)."""
    return ops.softplus(fake_logits - real_logits)


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """softplus(D(x) - D(G(z))), paired in the batch (Huang et al. 2024, section 2)."""
    return ops.softplus(real_logits - fake_logits)
