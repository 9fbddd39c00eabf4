"""What a page shows: figures, diagrams, claims with their verdicts, instruments."""
