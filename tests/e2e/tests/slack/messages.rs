//! Cards, threads, limits of answering, channels.
