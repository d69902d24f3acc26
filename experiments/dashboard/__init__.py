"""The dashboard: a local page to pull levers, run the model live and look into it, in three languages."""
