"""RUNS: many inputs in, a run folder of tables out, interrupted and resumed without loss."""
