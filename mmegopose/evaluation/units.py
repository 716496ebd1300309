"""Units in which protocols print; inside the package lengths are metres and shares lie in [0,1]."""
CM_PER_M = 100
MM_PER_M = 1000
PERCENT = 100
