"""Element lines, yields, attenuation, and the response of the detector."""
