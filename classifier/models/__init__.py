"""The models behind one contract."""
