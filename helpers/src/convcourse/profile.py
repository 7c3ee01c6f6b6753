"""How much to compute: the profiles *offline*, *quick* and *full*.

``COURSE_PROFILE`` names the profile. If it is unset, the profile is *full* with a GPU and *quick*
without one. A profile changes how long a training takes, never what is checked.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """How much one profile computes.

    Attributes:
        name: ``"offline"``, ``"quick"`` or ``"full"``.
        train_images: How many training images to load; None means all.
        test_images: How many test images to load; None means all.
        epochs_scale: The share of an exercise's epochs to train.
        width: The share of a large network's filters and units to train.

    Example:
        >>> PROFILES["offline"].train_images
        5000
    """

    name: str
    train_images: int | None
    test_images: int | None
    epochs_scale: float
    width: float


PROFILES = {
    p.name: p
    for p in (
        Profile("offline", 5_000, 2_000, 0.4, 0.25),
        Profile("quick", 10_000, 2_000, 0.5, 0.5),
        Profile("full", None, None, 1.0, 1.0),
    )
}


def current() -> Profile:
    """Find the profile in force now.

    Returns:
        The profile that ``COURSE_PROFILE`` names, or else the one that fits the machine.

    Raises:
        ValueError: If ``COURSE_PROFILE`` names no profile; the message lists them.
    """
    name = os.environ.get("COURSE_PROFILE", "").strip().lower() or _by_machine()
    if name not in PROFILES:
        raise ValueError(
            f"COURSE_PROFILE is {name!r}; set it to offline, quick or full, or leave it unset."
        )
    return PROFILES[name]


def _by_machine() -> str:
    try:
        import tensorflow as tf
    except ModuleNotFoundError:
        return "quick"  # `convcourse.device` says what is missing
    return "full" if tf.config.list_physical_devices("GPU") else "quick"


def epochs(asked: int) -> int:
    """Scale a number of epochs to the profile, and print it if it changes.

    Args:
        asked: The epochs that the exercise asks for.

    Returns:
        The epochs to train, at least one.
    """
    profile = current()
    made = max(1, round(asked * profile.epochs_scale))
    if made != asked:
        print(f"Profile {profile.name}: {made} epochs instead of {asked}.")
    return made


def width(asked: float = 1.0) -> float:
    """Scale the width of a large network to the profile, and print it if it changes.

    Args:
        asked: The share of the network's filters and units that the exercise asks for.

    Returns:
        The share to train.
    """
    profile = current()
    made = asked * profile.width
    if made != asked:
        print(f"Profile {profile.name}: trains the network at {made:g} of its width.")
    return made
