"""The measures as one writes them from the papers: all logits from `run_with_cache`, one quantity after the other.

No line of grokscope's measures or harmonics is used here, nor a closed form of its own: what is projected is the whole
table of logits or neurons, what is fitted is fitted on the rows. So it is an independent check of every measure, too.
What defines a measure and is no formula (thresholds, random draws, sets of rows) comes in as `Inputs`. One file a
family:

- `logits`: loss, margins, commutativity, trig shares, distance;
- `projections`: restricted and excluded losses of the logits;
- `neurons`: what frequencies explain of the neurons;
- `neuron_losses`: restricted and excluded losses at the neurons;
- `spectra`: Fourier transforms of the weights;
- `sizes`: norms and ranks;
- `gradients`: gradient symmetricity;
- `key`: the rule for key frequencies;
- `script`: all of them on one checkpoint.
"""

from grokscope.bench.step_by_step.inputs import Inputs
from grokscope.bench.step_by_step.script import StepByStep

__all__ = ["Inputs", "StepByStep"]
