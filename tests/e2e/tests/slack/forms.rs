//! Modals, live options, shortcuts, App Home.
