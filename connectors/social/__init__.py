"""Human resources and social security (人社): insured periods, titles and certificates."""
