"""A twin whose truth is known, faults planted into it, and what the study then says."""
