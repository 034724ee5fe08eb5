"""What a shell offers when one types a command of Manifold and presses Tab.

Promises: whoever asks gets an answer and exit code 0, soon, and nothing on stderr; where the kubeconfig or a server
has to be asked and cannot be, the answer is empty. It is written in the form of Cobra's programs, which kubectl reads
from its plugins and for which the scripts of the shells here are made.
"""
