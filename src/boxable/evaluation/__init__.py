"""How good a detector is: the Open Images Challenge metric and others, errors by kind, a report."""
