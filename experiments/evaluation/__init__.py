"""What all experiments share: statistics with intervals, tables as text, CSV and JSON, plots."""
