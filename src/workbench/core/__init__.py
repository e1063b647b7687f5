"""What every room stands on: quarters, parameters, results, store and errors."""
