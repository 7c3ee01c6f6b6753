"""How much to compute: the profiles *offline*, *quick* and *full*.

``COURSE_PROFILE`` chooses; unset, it is *full* with a GPU and *quick* without one. A profile
changes how long a training takes, never what is checked.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """``train_images`` and ``test_images`` are None for all of them."""

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
    """The profile in force now. Raises ValueError with the three names for an unknown one."""
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
    """Epochs that the profile makes of the exercise's own; says so when they differ."""
    profile = current()
    made = max(1, round(asked * profile.epochs_scale))
    if made != asked:
        print(f"Profile {profile.name}: {made} epochs in place of {asked}.")
    return made


def width(asked: float = 1.0) -> float:
    """Share of a large network's filters and units that the profile trains; says so."""
    profile = current()
    made = asked * profile.width
    if made != asked:
        print(f"Profile {profile.name}: trains the network at {made:g} of its width.")
    return made
