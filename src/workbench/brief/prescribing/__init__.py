"""What is prescribed, on the pages: modules, paths, access, actions, predictions."""
