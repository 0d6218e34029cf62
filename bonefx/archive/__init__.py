"""Read archives of films larger than one machine, with Ray Data and results as Parquet."""
