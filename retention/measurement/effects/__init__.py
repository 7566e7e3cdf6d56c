"""What a play brought: treated against control, adjusted for what was known before, valid however often it is looked at."""

from retention.measurement.effects.estimate import Effect, estimate
from retention.measurement.effects.moments import Moments
from retention.measurement.effects.publish import play_effects
from retention.measurement.effects.sequential import always_valid_half_width, mixture_variance

__all__ = ["Effect", "Moments", "always_valid_half_width", "estimate", "mixture_variance", "play_effects"]
