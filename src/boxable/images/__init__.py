"""Images: where they come from, decoding, the network's input, drawing."""
