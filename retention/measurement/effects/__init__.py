"""What a play brought: treated against control, adjusted for what was known before, valid however often it is looked at."""

from retention.measurement.effects.estimate import Effect, estimate
from retention.measurement.effects.moments import Moments
from retention.measurement.effects.publish import effects_since, play_effects
from retention.measurement.effects.sequential import always_valid_half_width, mixture_variance
from retention.measurement.effects.units import Units, units_as_of

__all__ = [
    "Effect",
    "Moments",
    "Units",
    "always_valid_half_width",
    "effects_since",
    "estimate",
    "mixture_variance",
    "play_effects",
    "units_as_of",
]
