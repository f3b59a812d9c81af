"""The answers to metrics, by what they are made from; see `consilience.custody.metric`."""
