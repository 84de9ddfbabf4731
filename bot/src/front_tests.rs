//! The front page shows what this visitor may see, says failures in place, and changes nothing.
