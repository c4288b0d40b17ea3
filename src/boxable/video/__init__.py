"""Video: files, cameras and streams, frame by frame."""
