"""Bundles over time: kept, compared, promoted, rolled back, calibrated anew, watched for drift."""
