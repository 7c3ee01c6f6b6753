"""A network that is made anew has the same outline in every form, and another one has not."""

import keras
import networks
import pytest
from networks import SHAPE

from autograder.kernel.outline import outline
from convcourse.wire import models

pytestmark = [
    pytest.mark.unit,
    pytest.mark.filterwarnings("ignore:.build.* was called on layer"),
]
L = keras.layers


@pytest.mark.parametrize("form", networks.FORMS)
def test_every_form_made_twice_has_one_outline(form):
    first, second = (outline(models.model_to_plain(form(), SHAPE)) for _ in range(2))
    assert first == second


def made(units=4, rate=0.5, activation="relu", layer=L.Dropout):
    return keras.Sequential(
        [L.Input((3,)), L.Dense(units, activation=activation), layer(rate), L.Dense(2)]
    )


@pytest.mark.parametrize(
    "other", [dict(units=5), dict(rate=0.4), dict(activation="tanh"), dict(layer=L.GaussianDropout)]
)
def test_another_network_has_another_outline(other):
    plain = [models.model_to_plain(one) for one in (made(), made(), made(**other))]
    assert outline(plain[0]) == outline(plain[1]) != outline(plain[2])
