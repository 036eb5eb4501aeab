//! House rules, checked and not remembered.
