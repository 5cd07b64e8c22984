"""The online path: shared types, errors, seams, engines, fusion, the pipeline and its assembler."""

import os

# ONNX Runtime reports its use over the network and leaves an identifier in the home directory from
# the moment it is imported; whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
