"""Temporal necks: tokens ``(B,T,N,C)`` to tokens ``(B,T,N,C)``, mixing frames."""
