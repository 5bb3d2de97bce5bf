"""Whether a run lasts long enough for its faults: `enough` reckons, `too_short` is what commands say."""
