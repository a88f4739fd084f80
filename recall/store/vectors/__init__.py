"""The vectors: files of them, what is nearest, means. All of it loads numpy, some of it FAISS."""
