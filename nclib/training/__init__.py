"""Real images and the training of networks on them. The only part of nclib that needs torch."""
