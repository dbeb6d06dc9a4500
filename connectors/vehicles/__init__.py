"""Vehicle registration (车管): the vehicles of a person."""
