"""What the drain asks of CPA besides its queue: whether records are written at all, and whether all of them come."""
