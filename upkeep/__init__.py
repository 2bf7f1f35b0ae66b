"""Bundles over time: kept, compared, promoted and rolled back, calibrated anew, watched for drift."""
